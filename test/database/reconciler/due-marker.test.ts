import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { createDatabase } from '../../../src/db/database.ts';
import { markDue } from '../../../src/reconciler/iteration/vm-lease.ts';
import { DueMarker } from '../../../src/reconciler/watch/engine/due-marker.ts';
import { createTestDatabase } from '../../support/database/database.ts';
import { executeSql } from '../../support/database/execute-sql.ts';
import { insertVm } from '../../support/database/insert-vm.ts';

it('VMs that die together are marked due in a few statements, by several gateways at once', async () => {
  await using undo = new AsyncDisposableStack();
  const { url } = undo.use(await createTestDatabase());
  const statements: string[] = [];
  const db = createDatabase(url, { onQuery: (text) => void statements.push(text) });
  undo.defer(() => db.destroy());
  const ids = Array.from({ length: 200 }, () => randomUUID());
  for (const id of ids) await insertVm(db, { id, status: 'RUNNING' });
  statements.length = 0;
  const failures: unknown[] = [];
  const options = {
    mark: (vmIds: readonly string[]) => markDue(db, vmIds),
    onError: (error: unknown) => failures.push(error),
  };
  const markers = [1, 2, 3].map(() => new DueMarker(options));
  // Each gateway hears of them in an order of its own.
  for (const [index, marker] of markers.entries())
    for (const id of index % 2 === 0 ? ids : ids.toReversed()) marker.add(id);
  await Promise.all(markers.map((marker) => marker.settled()));
  expect(failures).toEqual([]);
  expect(statements.filter((text) => text.includes('update "vm"')).length).toBeLessThan(10);
  const { rows } = await executeSql(
    url,
    'select wakes, next_attempt_at is not null as due, count(*)::int from vm group by 1, 2',
  );
  expect(rows).toEqual([{ wakes: '3', due: true, count: 200 }]);
});
