import { expect, it } from 'vitest';
import { executeSql } from '../../support/database/execute-sql.ts';
import { eventually } from '../../support/eventually.ts';
import { openLoopRig } from '../../support/reconciler/loop-rig.ts';

it('a watcher that was not renewed in time forgets its VMs, which become due', async () => {
  await using undo = new AsyncDisposableStack();
  const { url, readRows, start } = await openLoopRig(undo, 2);
  const loop = await start('a');
  await eventually(async () => (await readRows()).every(({ watcher }) => watcher === 'a'));
  const dueAt = async () => (await executeSql(url, 'select next_attempt_at::text as at from vm order by number')).rows;
  const before = await dueAt();
  // As if the gateway had stood still for so long.
  await executeSql(url, "update watcher set alive_until = now() - interval '1 s'");
  // Each was due, claimed and released to the watcher again.
  await eventually(async () => {
    const now = await dueAt();
    return now.every((at, index) => JSON.stringify(at) !== JSON.stringify(before[index]));
  });
  await eventually(async () => (await readRows()).every(({ watcher }) => watcher === 'a'));
  expect(loop.watched).toBe(2);
});
