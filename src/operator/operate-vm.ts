import { recordAction } from '../audit/audit-store.ts';
import type { Actor } from '../audit/viewer.ts';
import { runExclusive } from '../db/account-queue.ts';
import type { Db, Trx } from '../db/database.ts';
import { runTransaction } from '../db/transaction.ts';
import { ApiError } from '../errors.ts';
import { changeVm } from '../vm/vm-change.ts';
import { lockVm } from '../vm/vm-store.ts';
import type { Vm } from '../vm/vm.ts';
import { findOperatedVm, type OperatedVm } from './operated-vm.ts';
import { parseReason } from './require-operator.ts';

/** Turns the VM of any account off, in any state. Its owner reads the reason in the event and in the audit. */
export async function stopVmOfAnyone(db: Db, operator: Actor, id: string, text: string): Promise<OperatedVm> {
  const reason = parseReason(text);
  await changeVmOfAnyone(db, id, async (trx, vm) => {
    if (!vm.enabled) return;
    await turnOff(trx, vm, reason);
    await recordAction(trx, operator, vm, 'VM_STOPPED_BY_OPERATOR', { reason });
  });
  const vm = await findOperatedVm(db, id);
  if (vm === undefined) throw new ApiError('NOT_FOUND');
  return vm;
}

/** Deletes the VM of any account with all its data, in any state. */
export async function deleteVmOfAnyone(db: Db, operator: Actor, id: string, text: string): Promise<string> {
  const reason = parseReason(text);
  return changeVmOfAnyone(db, id, async (trx, vm) => {
    if (vm.deleting) return;
    const set = { enabled: false, deleting: true };
    await changeVm(trx, vm, { status: 'DELETING', reason: 'OPERATOR', note: reason, desire: true, set });
    await recordAction(trx, operator, vm, 'VM_DELETED_BY_OPERATOR', { reason });
  });
}

/** Turns a locked VM off that is on. */
export async function turnOff(trx: Trx, vm: Vm, note: string): Promise<void> {
  const set = { enabled: false, attempts: 0 };
  await changeVm(trx, vm, { status: 'STOPPING', reason: 'OPERATOR', note, desire: true, set });
}

/** Runs the change with the owner's account and then the VM locked. NOT_FOUND if there is no such VM. */
async function changeVmOfAnyone(db: Db, id: string, change: (trx: Trx, vm: Vm) => Promise<void>): Promise<string> {
  const owner = (await findOperatedVm(db, id))?.userId;
  if (owner === undefined) throw new ApiError('NOT_FOUND');
  return runExclusive(db, owner, () =>
    runTransaction(db, async (trx) => {
      await trx.selectFrom('account').select('user_id').where('user_id', '=', owner).forUpdate().execute();
      const vm = await lockVm(trx, owner, id);
      if (vm === undefined) throw new ApiError('NOT_FOUND');
      await change(trx, vm);
      return vm.id;
    }),
  );
}
