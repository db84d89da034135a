import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { createDatabase } from '../../../src/db/database.ts';
import type { EngineDriver } from '../../../src/engine/driver.ts';
import type { MachineStats } from '../../../src/engine/machine.ts';
import { createLog } from '../../../src/log.ts';
import { StatsWatch } from '../../../src/reconciler/watch/stats-watch.ts';
import { listStats, pruneStats } from '../../../src/vm/telemetry/stats-history.ts';
import { createTestDatabase } from '../../support/database/database.ts';
import { executeSql } from '../../support/database/execute-sql.ts';
import { insertVm } from '../../support/database/insert-vm.ts';
import { eventually } from '../../support/eventually.ts';

it('measures each running VM once in a while, also if another gateway does, and keeps it for an hour', async () => {
  await using undo = new AsyncDisposableStack();
  const { url } = undo.use(await createTestDatabase());
  const db = createDatabase(url);
  undo.defer(() => db.destroy());
  const [running, broken, off] = [randomUUID(), randomUUID(), randomUUID()];
  for (const id of [running, broken]) await insertVm(db, { id, status: 'RUNNING' });
  await insertVm(db, { id: off, status: 'STOPPED' });
  const asked: string[] = [];
  const reading = { cpuPercent: 12.5, memoryBytes: 2 ** 33, memoryLimitBytes: 2 ** 34 };
  const driver = {
    async *stats(id: string): AsyncGenerator<MachineStats> {
      asked.push(id);
      if (id === broken) throw new Error('It ends just now.');
      yield { ...reading, at: new Date(), networkRxBytes: 1, networkTxBytes: 2 };
    },
  } as unknown as EngineDriver;
  const log = await createLog({ level: 'silent' });
  const watches = [1, 2].map(() => new StatsWatch({ driver, regions: ['AU'] }, { db, log, everyMs: 20 }));
  undo.defer(async () => void (await Promise.all(watches.map((watch) => watch.close()))));
  await eventually(async () => (await listStats(db, [running])).length > 0);
  // The broken one is asked at each round, so these were some rounds.
  await eventually(() => asked.filter((id) => id === broken).length > 10);
  const stored = await listStats(db, [running, broken, off]);
  expect(stored.length).toBeLessThanOrEqual(2);
  expect(stored[0]).toMatchObject({ vmId: running, ...reading, networkRxBytes: 1, networkTxBytes: 2 });
  expect(asked).not.toContain(off);

  await executeSql(url, "update vm_stats set stored_at = now() - interval '61 minutes'");
  expect(await listStats(db, [running])).not.toContainEqual(stored[0]);
  await eventually(async () => (await listStats(db, [running])).length > 0);
  await pruneStats(db);
  const { rows } = await executeSql(url, 'select count(*)::int as kept from vm_stats');
  expect(rows).toEqual([{ kept: (await listStats(db, [running])).length }]);
});
