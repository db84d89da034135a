import { expect, it } from 'vitest';
import { createDatabase, type Db } from '../../../src/db/database.ts';
import { releaseLeases } from '../../../src/reconciler/iteration/release-leases.ts';
import { claimDue, clearLeases, heartbeat, type LeaseState } from '../../../src/reconciler/iteration/vm-lease.ts';
import {
  endDeadWatchers,
  insertWatcher,
  markWatched,
  renewWatcher,
} from '../../../src/reconciler/iteration/watcher-store.ts';
import { findDatedVms } from '../../../src/vm/store/vm-store.ts';
import { executeSql } from '../../support/database/execute-sql.ts';
import { openLoopRig } from '../../support/reconciler/loop-rig.ts';
import { eventually } from '../../support/eventually.ts';

// Most of the time they wait.
it.concurrent('a VM that runs is asked again and again without a lease and without a statement', async () => {
  await using undo = new AsyncDisposableStack();
  const { engine, readRows, start } = await openLoopRig(undo, 3);
  const statements: string[] = [];
  const loop = await start('a', { onQuery: (sql) => statements.push(sql) });
  await eventually(async () =>
    (await readRows()).every(({ status, watcher }) => status === 'RUNNING' && watcher === 'a'),
  );
  expect(loop.watched).toBe(3);
  expect((await readRows()).every(({ lease_owner: owner, next }) => owner === null && (next ?? 0) > 600)).toBe(true);
  const [vm] = await readRows();
  const times = engine.timesObserved(vm?.id ?? '');
  statements.length = 0;
  await eventually(() => engine.timesObserved(vm?.id ?? '') > times + 50);
  const kinds = new Set(statements.map((sql) => sql.trim().split(/\s+/, 5).join(' ')));
  // What a gateway without a VM sends, too: it claims, and stays a watcher.
  for (const kind of kinds)
    expect(kind).toMatch(/^(with due_work as materialized|update "watcher" set|select "owner" from "watcher")/);
});

it.concurrent('an app that stops answering is told, and that it answers again', async () => {
  await using undo = new AsyncDisposableStack();
  const { engine, readRows, start } = await openLoopRig(undo, 2);
  await start('a');
  await start('b');
  const all = (status: string) =>
    eventually(async () => (await readRows()).every((vm) => vm.status === status && vm.watcher !== null));
  await all('RUNNING');
  engine.status = 502;
  await all('DEGRADED');
  engine.status = 200;
  await all('RUNNING');
  // A container that is another one has to answer first.
  const [{ id } = { id: '' }] = await readRows();
  const before = engine.machines.get(id);
  engine.machines.delete(id);
  await eventually(() => engine.machines.has(id));
  await all('RUNNING');
  expect(engine.machines.get(id)?.ref).not.toBe(before?.ref);
});

it.concurrent('a VM that its owner stops is not asked any more', async () => {
  await using undo = new AsyncDisposableStack();
  const { url, engine, readRows, start } = await openLoopRig(undo, 1);
  const loops = [await start('a'), await start('b')];
  await eventually(async () => (await readRows())[0]?.watcher != null);
  await executeSql(
    url,
    `with stopped as (
       update vm set enabled = false, generation = generation + 1, wakes = wakes + 1, next_attempt_at = now() returning id
     ) select pg_notify('vm_due', id::text) from stopped`,
  );
  await eventually(async () => {
    const [vm] = await readRows();
    return vm?.status === 'STOPPED' && vm.lease_owner === null;
  });
  expect(loops.map(({ watched }) => watched)).toEqual([0, 0]);
  expect((await readRows())[0]).toMatchObject({ watcher: null, lease_owner: null, next: null });
  expect(engine.machines.size).toBe(0);
});

it.concurrent('a gateway that ends leaves its VMs to the others, also one that is killed', async () => {
  await using undo = new AsyncDisposableStack();
  const { url, readRows, start } = await openLoopRig(undo, 5);
  const a = await start('a');
  await eventually(async () => (await readRows()).every(({ watcher }) => watcher === 'a'));
  const b = await start('b');
  await a.close();
  await eventually(async () => (await readRows()).every(({ watcher }) => watcher === 'b'));
  expect(b.watched).toBe(5);
  await b.close();
  const { rows } = await executeSql(url, 'select owner from watcher');
  expect(rows).toEqual([]);

  // As a gateway leaves them that ends without a word.
  await executeSql(url, "insert into watcher values ('dead', now() - interval '1 ms', now())");
  await executeSql(url, "update vm set watcher = 'dead', next_attempt_at = now() + interval '1 h'");
  await start('c');
  await eventually(async () => (await readRows()).every(({ watcher }) => watcher === 'c'));
});

it('a start is claimed though more VMs that are up are due, and have been for longer', async () => {
  await using undo = new AsyncDisposableStack();
  const { url, readRows } = await openLoopRig(undo, 10);
  const db = createDatabase(url);
  undo.defer(() => db.destroy());
  const [first] = await readRows();
  await executeSql(
    url,
    `update vm set status = 'RUNNING', next_attempt_at = now() - interval '1 h' where id <> '${first?.id}'`,
  );
  const claimed = await claimDue(db, 'a', ['AU'], { work: 1, look: 5 });
  expect(claimed.filter(({ duty }) => duty === 'work').map(({ vmId }) => vmId)).toEqual([first?.id]);
  expect(claimed.filter(({ duty }) => duty === 'look')).toHaveLength(5);
});

/** Claims the one VM and reads what its release needs. */
async function claim(db: Db, owner: string) {
  await db
    .updateTable('vm')
    .set({ next_attempt_at: new Date(0) })
    .execute();
  const [lease] = await claimDue(db, owner, ['AU'], { work: 1, look: 1 });
  const [seen] = await heartbeat(db, owner, [lease?.vmId ?? '']);
  if (lease === undefined || seen === undefined) throw new Error('The VM was not claimed.');
  return { lease, seen };
}

it('only a watcher watches, and only a VM that has not changed', async () => {
  await using undo = new AsyncDisposableStack();
  const { url, readRows } = await openLoopRig(undo, 1);
  const db = createDatabase(url);
  undo.defer(() => db.destroy());
  const release = async (owner: string, seen: LeaseState) => {
    const watch = { forSeconds: 3_600, sameAt: performance.now() };
    return (await releaseLeases(db, owner, [{ seen, nextInSeconds: 5, watch }])).get(seen.vmId);
  };

  const none = await claim(db, 'a');
  expect(await release('a', none.seen)).toBe('waits');
  expect((await readRows())[0]).toMatchObject({ watcher: null, lease_owner: null });
  expect((await readRows())[0]?.next).toBeLessThan(6);

  await insertWatcher(db, 'a');
  const watched = await claim(db, 'a');
  expect(await release('a', watched.seen)).toBe('watched');
  expect((await readRows())[0]).toMatchObject({ watcher: 'a', lease_owner: null });

  const changed = await claim(db, 'a');
  expect((await readRows())[0]).toMatchObject({ watcher: null, lease_owner: 'a' });
  await executeSql(url, 'update vm set wakes = wakes + 1');
  expect(await release('a', changed.seen)).toBe('due');
  expect((await readRows())[0]?.next).toBeLessThanOrEqual(0);

  // What somebody else has taken is not marked by the one before.
  const { lease, seen } = await claim(db, 'b');
  await markWatched(db, 'a', [lease.vmId]);
  expect(await heartbeat(db, 'b', [lease.vmId])).toMatchObject([{ wakes: seen.wakes }]);

  await executeSql(url, "update watcher set alive_until = now() - interval '1 ms'");
  expect(await renewWatcher(db, 'a', Date.now())).toBe(false);
  const late = await claim(db, 'b').catch(() => undefined);
  expect(late, 'the lease of b holds').toBeUndefined();
});

it('the time of the last look is that of the watcher, and stays when it has ended', async () => {
  await using undo = new AsyncDisposableStack();
  const { url, readRows } = await openLoopRig(undo, 1);
  const db = createDatabase(url);
  undo.defer(() => db.destroy());
  const [{ id } = { id: '' }] = await readRows();
  const [early, late] = [new Date(2_000_000_000_000), new Date(2_000_000_005_000)];
  const observedAt = async () => (await findDatedVms(db, [id])).get(id)?.observedAt;
  await executeSql(url, `update vm set observed_at = '${early.toISOString()}', watcher = 'a'`);
  expect(await observedAt()).toEqual(early);
  await insertWatcher(db, 'a');
  expect(await observedAt(), 'its own is later').toEqual(early);
  expect(await renewWatcher(db, 'a', late.getTime())).toBe(true);
  expect(await observedAt()).toEqual(late);
  await executeSql(url, "update watcher set alive_until = now() - interval '1 s'");
  expect(await endDeadWatchers(db)).toBe(1);
  expect(await observedAt()).toEqual(late);

  await executeSql(url, "update vm set watcher = 'b', next_attempt_at = now() + interval '1 h'");
  await clearLeases(db);
  expect((await readRows())[0]).toMatchObject({ watcher: null });
  expect((await readRows())[0]?.next).toBeLessThanOrEqual(0);
});
