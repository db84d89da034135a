import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { createDatabase, type Db } from '../../../src/db/database.ts';
import { shareStatements } from '../../../src/reconciler/iteration/shared-statements.ts';
import type { VmChange } from '../../../src/vm/vm-change.ts';
import { createTestDatabase } from '../../support/database/database.ts';
import { executeSql } from '../../support/database/execute-sql.ts';

const USERS = '{alice,bob,carol}';
const GATEWAY = 'this gateway';

/** VMs of three accounts that this gateway has leases for, and what it writes about them. */
async function openWrites(undo: AsyncDisposableStack, count: number) {
  const { url } = undo.use(await createTestDatabase());
  await executeSql(url, `insert into account (user_id, plan) select u, 'core' from unnest('${USERS}'::text[]) u`);
  const { rows } = await executeSql(
    url,
    `insert into vm (user_id, vmlabel, region, distribution, cpu, ram_gb, persistent, status, lease_owner)
     select ('${USERS}'::text[])[1 + n % 3], 'vm', 'AU', 'ubuntu', 1, 1, false, 'RUNNING', '${GATEWAY}'
     from generate_series(0, ${count - 1}) n returning id, user_id as "userId"`,
  );
  const statements: string[] = [];
  const open = (): Db => {
    const db = createDatabase(url, { onQuery: (text) => statements.push(text) });
    undo.defer(() => db.destroy());
    return db;
  };
  const vms = (rows as { id: string; userId: string }[]).map(
    (vm) => ({ ...vm, status: 'RUNNING', boot: null }) as const,
  );
  const fence = { leaseOwner: GATEWAY, generation: 1 };
  /** Whether each change was made. */
  const change = async (db: Db, changes: readonly (readonly [(typeof vms)[number], VmChange])[]) => {
    const { writes } = shareStatements(db, GATEWAY);
    const after = await Promise.allSettled(changes.map(([vm, each]) => writes.call({ vm, change: each, fence })));
    return after.map((each) => (each.status === 'fulfilled' ? each.value?.status : 'failed'));
  };
  const readEvents = async () => {
    const { rows: events } = await executeSql(
      url,
      'select user_id, seq::int, vm_id from vm_event order by user_id, seq',
    );
    const { rows: accounts } = await executeSql(url, 'select user_id, event_seq::int as last from account');
    return {
      events: events as { user_id: string; seq: number }[],
      accounts: accounts as { user_id: string; last: number }[],
    };
  };
  return { url, vms, statements, open, change, readEvents };
}

const QUEUED: VmChange = { status: 'QUEUED', reason: 'ENGINE' };

it('gateways that write about many VMs of the same accounts number their events without a gap', async () => {
  await using undo = new AsyncDisposableStack();
  const { url, vms, statements, open, change, readEvents } = await openWrites(undo, 300);
  // Their leases are lost, each third one of one account.
  const lost = vms.filter((_vm, index) => index % 7 === 0);
  await executeSql(url, `update vm set lease_owner = 'another' where id = any('{${lost.map(({ id }) => id).join()}}')`);
  const ofEach = [0, 1, 2].map((gateway) => vms.filter((_vm, index) => index % 3 === gateway || index % 5 === gateway));
  const after = await Promise.all(
    ofEach.map((own) =>
      change(
        open(),
        own.toReversed().map((vm) => [vm, QUEUED] as const),
      ),
    ),
  );
  expect(after.flat().filter((status) => status === 'QUEUED')).toHaveLength(vms.length - lost.length);
  expect(after.flat()).not.toContain('failed');
  const { events, accounts } = await readEvents();
  expect(events).toHaveLength(vms.length - lost.length);
  for (const { user_id: userId, last } of accounts) {
    const seqs = events.filter((event) => event.user_id === userId).map(({ seq }) => seq);
    expect(seqs).toEqual(Array.from({ length: last }, (_, index) => index + 1));
  }
  expect(statements.filter((text) => text === 'commit').length).toBeLessThan(vms.length / 3);
});

it('a write that the database refuses fails alone', async () => {
  await using undo = new AsyncDisposableStack();
  const { vms, open, change, readEvents } = await openWrites(undo, 30);
  const refused: VmChange = { ...QUEUED, set: { last_failure: '{"message":"\\u0000"}' } };
  const after = await change(
    open(),
    vms.map((vm, index) => [vm, index === 20 ? refused : QUEUED] as const),
  );
  expect(after.map((status, index) => (index === 20 ? status === 'failed' : status === 'QUEUED'))).not.toContain(false);
  expect((await readEvents()).events).toHaveLength(29);
});

it('a change is written only about the status that it follows on, and only under the lease', async () => {
  await using undo = new AsyncDisposableStack();
  const { vms, open, change, readEvents } = await openWrites(undo, 1);
  const [vm] = vms;
  if (vm === undefined) throw new Error('There is a VM.');
  const db = open();
  expect(await change(db, [[{ ...vm, status: 'RUNNING' }, QUEUED]])).toEqual(['QUEUED']);
  expect(await change(db, [[vm, QUEUED]])).toEqual([undefined]);
  expect(await change(db, [[{ ...vm, id: randomUUID() }, QUEUED]])).toEqual([undefined]);
  const { events, accounts } = await readEvents();
  expect(events).toHaveLength(1);
  expect(accounts).toContainEqual({ user_id: vm.userId, last: 1 });
});
