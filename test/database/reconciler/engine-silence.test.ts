import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { createDatabase } from '../../../src/db/database.ts';
import { runTransaction } from '../../../src/db/transaction.ts';
import { changeVm, type VmChange } from '../../../src/vm/store/vm-change.ts';
import { createTestDatabase } from '../../support/database/database.ts';
import { insertVm } from '../../support/database/insert-vm.ts';

const failure = (code: string) => ({ code, step: 'RUNNING', message: code, oomKilled: false, logTail: [], at: '' });

it('the failure of an engine that does not answer ends with its silence, and the one before is back', async () => {
  await using undo = new AsyncDisposableStack();
  const { url } = undo.use(await createTestDatabase());
  const db = createDatabase(url);
  undo.defer(() => db.destroy());
  const change = async (before: object, { undone, ...changed }: VmChange & { readonly undone?: string }) => {
    const id = randomUUID();
    await insertVm(db, { id, status: 'UNKNOWN' });
    const set = { last_failure: JSON.stringify(before), undone_hash: undone ?? null };
    await db.updateTable('vm').set(set).where('id', '=', id).execute();
    const { user_id: userId } = await db.selectFrom('vm').select('user_id').executeTakeFirstOrThrow();
    await runTransaction(db, (trx) => changeVm(trx, { id, userId, status: 'UNKNOWN', boot: null }, changed));
    const row = await db.selectFrom('vm').select('last_failure').where('id', '=', id).executeTakeFirstOrThrow();
    return row.last_failure;
  };
  const silent = failure('ENGINE_TIMEOUT');
  const before = failure('APP_SILENT');
  expect(await change(silent, { status: 'RUNNING', reason: 'ENGINE' })).toBeNull();
  const undone = { ...silent, before };
  expect(await change(undone, { status: 'RUNNING', reason: 'ENGINE', undone: 'hash' })).toEqual(before);
  expect(await change(undone, { status: 'STOPPING', reason: 'USER', desire: true })).toEqual(before);
  expect(await change(undone, { status: 'STOPPING', reason: 'USER', desire: true, undone: 'hash' })).toBeNull();
  expect(await change(undone, { reason: 'ENGINE' }), 'it still does not answer').toEqual(undone);
  const own = { status: 'FAILED', reason: 'CRASH', set: { last_failure: JSON.stringify(before) } } as const;
  expect(await change(silent, own)).toEqual(before);
}, 30_000);
