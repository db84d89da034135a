import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { createDatabase } from '../../../src/db/database.ts';
import { storeMeasurements } from '../../../src/reconciler/watch/store-measurements.ts';
import { createTestDatabase } from '../../support/database/database.ts';
import { insertVm } from '../../support/database/insert-vm.ts';

it('stores only what differs; a measurement that was cut short never lowers a value', async () => {
  await using undo = new AsyncDisposableStack();
  const { url } = undo.use(await createTestDatabase());
  const db = createDatabase(url);
  undo.defer(() => db.destroy());
  const id = randomUUID();
  await insertVm(db, { id, status: 'RUNNING', engineRef: 'one' });
  const measure = async (lastingBytes: number, scratchBytes: number, isWhole: boolean, ref = 'one') => {
    const changed = await storeMeasurements(db, new Map([[id, { lastingBytes, scratchBytes, isWhole, ref }]]));
    const { storage_bytes, scratch_bytes } = await db.selectFrom('vm').selectAll().executeTakeFirstOrThrow();
    return [storage_bytes, scratch_bytes, changed.length];
  };
  expect(await measure(500, 900, true)).toEqual([500, 900, 1]);
  expect(await measure(500, 900, true)).toEqual([500, 900, 0]);
  expect(await measure(0, 0, false)).toEqual([500, 900, 0]);
  expect(await measure(600, 100, false)).toEqual([600, 900, 1]);
  expect(await measure(0, 1000, false)).toEqual([600, 1000, 1]);
  expect(await measure(0, 5000, false, 'another')).toEqual([600, 1000, 0]);
  expect(await measure(0, 0, true)).toEqual([0, 0, 1]);
});
