import type { VmAction } from '../audit/audit-store.ts';
import type { Actor } from '../audit/viewer.ts';
import { runExclusive } from '../db/account-queue.ts';
import type { Db, Trx } from '../db/database.ts';
import { runTransaction } from '../db/transaction.ts';
import { ApiError } from '../errors.ts';
import { changeVm } from '../vm/store/vm-change.ts';
import { lockVm, type LockedVm } from '../vm/store/vm-store.ts';
import { findOperatedVm, type OperatedVm } from './operated-vm.ts';
import { parseReason } from './require-operator.ts';

/** Turns the VM of any account off, in any state. Its owner reads the reason in the event and in the audit. */
export async function stopVmOfAnyone(db: Db, operator: Actor, id: string, text: string): Promise<OperatedVm> {
  const reason = parseReason(text);
  await changeVmOfAnyone(db, id, async (trx, vm) => {
    if (!vm.enabled) return;
    await turnOff(trx, vm, reason, { actor: operator, vm, action: 'VM_STOPPED_BY_OPERATOR', details: { reason } });
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
    const record = { actor: operator, vm, action: 'VM_DELETED_BY_OPERATOR', details: { reason } } as const;
    await changeVm(trx, vm, { status: 'DELETING', reason: 'OPERATOR', note: reason, desire: true, set }, { record });
  });
}

/** Turns a locked VM off that is on. */
export async function turnOff(trx: Trx, vm: LockedVm, note: string, record?: VmAction): Promise<void> {
  const set = { enabled: false, attempts: 0 };
  await changeVm(trx, vm, { status: 'STOPPING', reason: 'OPERATOR', note, desire: true, set }, { record });
}

/** Runs the change with the owner's account and then the VM locked. NOT_FOUND if there is no such VM. */
async function changeVmOfAnyone(
  db: Db,
  id: string,
  change: (trx: Trx, vm: LockedVm) => Promise<void>,
): Promise<string> {
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
