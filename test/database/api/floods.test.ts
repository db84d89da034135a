import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pruneAudit, recordAction } from '../../../src/audit/audit-store.ts';
import { createDatabase, type Db } from '../../../src/db/database.ts';
import { pruneEvents, readReplay } from '../../../src/events/event-store.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database/database.ts';
import { executeSql } from '../../support/database/execute-sql.ts';
import { insertVm } from '../../support/database/insert-vm.ts';

const VM = { userId: 'alice', id: '1aa62e52-e61c-4ae3-9ac2-c9cb1f46d25f', vmlabel: 'A label' };
const ACTOR = { userId: 'alice', expiresAt: 0, from: '10.0.0.1' };

let database: TestDatabase;
let db: Db;
beforeAll(async () => {
  database = await createTestDatabase();
  db = createDatabase(database.url);
  await insertVm(db, { id: VM.id, status: 'RUNNING' });
});
afterAll(async () => {
  await db.destroy();
  await database[Symbol.asyncDispose]();
});

describe('the audit of an action that is repeated', () => {
  it('counts equal ones of a minute in one row, and tells all others apart', async () => {
    const secret = { actor: ACTOR, vm: VM, action: 'SECRET_SET' } as const;
    await db.transaction().execute(async (trx) => {
      for (let count = 0; count < 500; count += 1) {
        await recordAction(trx, { actor: ACTOR, vm: VM, action: 'VM_STARTED', details: {} });
        await recordAction(trx, { ...secret, details: { key: count % 2 === 0 ? 'A' : 'B' } });
      }
      await recordAction(trx, { actor: { ...ACTOR, from: '10.0.0.2' }, vm: VM, action: 'VM_STARTED', details: {} });
    });
    const { rows } = await executeSql(
      database.url,
      'select action, address, details, count from audit order by number',
    );
    // In one transaction it is always the same minute.
    expect(rows).toEqual([
      { action: 'VM_STARTED', address: '10.0.0.1', details: {}, count: 500 },
      { action: 'SECRET_SET', address: '10.0.0.1', details: { key: 'A' }, count: 250 },
      { action: 'SECRET_SET', address: '10.0.0.1', details: { key: 'B' }, count: 250 },
      { action: 'VM_STARTED', address: '10.0.0.2', details: {}, count: 1 },
    ]);
  });
});

it('the audit of an account keeps its newest entries, up to its limit', async () => {
  await executeSql(
    database.url,
    `insert into audit (user_id, address, action, vm_id, vmlabel, details)
     select user_id, '10.0.0.1', 'VM_UPDATED', '${VM.id}', 'A label', jsonb_build_object('n', n)
     from unnest(array['full', 'small']) as user_id, generate_series(1, 30) as n where user_id = 'full' or n <= 10`,
  );
  await pruneAudit(db, 90, 20);
  const { rows } = await executeSql(
    database.url,
    `select user_id, min((details->>'n')::int) as first, count(*)::int as count
     from audit where user_id in ('full', 'small') group by user_id order by user_id`,
  );
  expect(rows).toEqual([
    { user_id: 'full', first: 11, count: 20 },
    { user_id: 'small', first: 1, count: 10 },
  ]);
});

describe('the events of an account', () => {
  it('are kept as far back as a replay goes, however young they are', async () => {
    await executeSql(
      database.url,
      `insert into vm_event (user_id, seq, vm_id, kind, status)
       select 'alice', i, '${VM.id}', 'CHANGED', 'RUNNING' from generate_series(1, 10500) i`,
    );
    await executeSql(database.url, "update account set event_seq = 10500 where user_id = 'alice'");
    await pruneEvents(db, 7);
    const { rows } = await executeSql(
      database.url,
      'select min(seq)::int as first, count(*)::int as count from vm_event',
    );
    expect(rows).toEqual([{ first: 501, count: 10_000 }]);
    expect(await readReplay(db, 'alice', 500)).toMatchObject({ seq: 1_000, complete: false });
    expect(await readReplay(db, 'alice', 499)).toBeUndefined();
  });
});
