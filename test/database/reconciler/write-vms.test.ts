import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { expect, it } from 'vitest';
import { createDatabase, type Db } from '../../../src/db/database.ts';
import { Listener } from '../../../src/db/listen.ts';
import { shareStatements } from '../../../src/reconciler/iteration/shared-statements.ts';
import type { VmChange } from '../../../src/vm/store/vm-change.ts';
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

it('writes of many kinds take effect together, each as it would alone', async () => {
  await using undo = new AsyncDisposableStack();
  const { url, vms, statements, open } = await openWrites(undo, 12);
  const unknown = vms.slice(0, 4);
  await executeSql(
    url,
    `update vm set status = 'UNKNOWN', last_failure = '{"code":"ENGINE_TIMEOUT","before":{"code":"APP_SILENT"}}'
     where id = any('{${unknown.map(({ id }) => id).join()}}')`,
  );
  const { writes } = shareStatements(open(), GATEWAY);
  const fence = { leaseOwner: GATEWAY, generation: 1 };
  await Promise.all([
    ...unknown.map((vm) => {
      const change = { status: 'RUNNING', reason: 'ENGINE', set: { answered_hash: 'hash' } } as const;
      return writes.call({ vm: { ...vm, status: 'UNKNOWN' }, fence, change });
    }),
    ...vms.slice(4, 8).map((vm, index) => {
      const set = { engine_ref: `ref ${index}`, observed_at: sql<Date>`now()`, attempts: index, node: null };
      return writes.call({ vm, fence, change: { reason: 'ENGINE', set } });
    }),
    ...vms.slice(8).map((vm) => {
      const silent = { last_failure: JSON.stringify({ code: 'CRASHED' }), storage_ready: true };
      return writes.call({ vm, fence, silent });
    }),
  ]);
  const { rows } = await executeSql(
    url,
    `select status, answered_hash, last_failure ->> 'code' as failure, engine_ref, attempts, observed_at is not null as
       observed, storage_ready, last_event_seq > 0 as told from vm order by number`,
  );
  const plain = { status: 'RUNNING', answered_hash: null, failure: null, engine_ref: null, attempts: 0 };
  const row = (more: object) => ({ ...plain, observed: false, storage_ready: false, told: false, ...more });
  expect(rows).toEqual([
    ...unknown.map(() => row({ answered_hash: 'hash', failure: 'APP_SILENT', told: true })),
    ...[0, 1, 2, 3].map((index) => row({ engine_ref: `ref ${index}`, attempts: index, observed: true, told: true })),
    ...[8, 9, 10, 11].map(() => row({ failure: 'CRASHED', storage_ready: true })),
  ]);
  // The first two begin at once, alone; the others share a batch of three kinds.
  expect(statements.filter((text) => text.includes('jsonb_populate_recordset')).length).toBeLessThanOrEqual(5);
});

it('progress of many VMs is told in a few statements, of each only while it has the status', async () => {
  await using undo = new AsyncDisposableStack();
  const { url, vms, statements, open } = await openWrites(undo, 60);
  const listener = await Listener.open({ url });
  undo.defer(() => listener.close());
  const heard: string[] = [];
  listener.on('vm_progress', (payload) => heard.push(payload));
  const { notes } = shareStatements(open(), GATEWAY);
  const send = (vmId: string, more: { generation?: number; status?: 'BOOTING' } = {}) => {
    const { generation = 1, status = 'RUNNING' } = more;
    return notes.call({
      vmId,
      fence: { leaseOwner: GATEWAY, generation },
      status,
      payload: `${vmId} ${generation} ${status}`,
    });
  };
  const [first, second, ...others] = vms.map(({ id }) => id);
  await Promise.all([
    send(first ?? '', { generation: 2 }),
    send(second ?? '', { status: 'BOOTING' }),
    ...others.map((id) => send(id)),
  ]);
  await expect.poll(() => heard.length).toBe(others.length);
  expect(heard.toSorted()).toEqual(others.map((id) => `${id} 1 RUNNING`).toSorted());
  expect(statements.length).toBeLessThan(10);
});
