import { expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { openLoopRig } from '../../support/reconciler/loop-rig.ts';

it('many VMs are taken over in a few statements', async () => {
  await using undo = new AsyncDisposableStack();
  const vms = 80;
  const { readRows, start } = await openLoopRig(undo, vms);
  const watchedBy = (owner: string) =>
    eventually(async () => (await readRows()).every(({ watcher }) => watcher === owner));
  const a = await start('a');
  await watchedBy('a');
  const statements: string[] = [];
  const b = await start('b', { onQuery: (sql) => statements.push(sql) });
  await a.close();
  await watchedBy('b');
  expect(b.watched).toBe(vms);
  // Four for each VM if they were not shared, and a fifth if what has not changed were written.
  expect(statements.length).toBeLessThan(2 * vms);
});

it('the end of many VMs is told, however few of them can start again at a time', async () => {
  await using undo = new AsyncDisposableStack();
  const { engine, readRows, start } = await openLoopRig(undo, 150);
  await start('a');
  const all = (isRight: (status: string) => boolean) =>
    eventually(async () => (await readRows()).every(({ status }) => isRight(status)));
  await all((status) => status === 'RUNNING');
  const starting = Promise.withResolvers<void>();
  engine.mayStart = starting.promise;
  engine.machines.clear();
  await all((status) => status === 'QUEUED');
  starting.resolve();
  await all((status) => status === 'RUNNING');
});
