import type { Db, Trx } from '../../db/database.ts';
import { runTransaction } from '../../db/transaction.ts';
import { appendEvents, lockEventSeqs } from '../../events/append-events.ts';
import type { NewEvent } from '../../events/append-event.ts';
import {
  eventOf,
  updateVm,
  type Fence,
  type VmAfter,
  type VmBefore,
  type VmChange,
  type VmUpdate,
} from '../../vm/vm-change.ts';

/** A write of an iteration: a change with its event, or columns that no subscriber sees. */
export type VmWrite = { readonly vm: VmBefore; readonly fence: Fence } & (
  | { readonly change: VmChange; readonly silent?: undefined }
  | { readonly silent: VmUpdate; readonly change?: undefined }
);

/**
 * Performs writes of many VMs in one transaction: what takes time is to wait for a commit to be on disk. A write whose
 * fence no longer holds changes nothing, and is missing in the result.
 */
export async function writeVms(db: Db, writes: readonly VmWrite[]): Promise<ReadonlyMap<VmWrite, VmAfter>> {
  return runTransaction(db, async (trx) => {
    const userIds = writes.flatMap(({ vm, change }) => (change === undefined ? [] : [vm.userId]));
    const { seqs, at } = await lockEventSeqs(trx, userIds);
    const written = new Map<VmWrite, VmAfter>();
    const events: NewEvent[] = [];
    // In the one order of all statements that lock several VMs.
    for (const write of writes.toSorted(({ vm: one }, { vm: other }) => (one.id < other.id ? -1 : 1))) {
      const { vm, change, fence } = write;
      if (change === undefined) {
        if (await updateSilently(trx, write)) written.set(write, vm);
        continue;
      }
      const seq = (seqs.get(vm.userId) ?? 0) + 1;
      const after = await updateVm(trx, vm, change, { seq, at }, fence);
      if (after === undefined) continue;
      written.set(write, after);
      // A number that no event has would be a gap: it is taken only now.
      seqs.set(vm.userId, seq);
      events.push(eventOf(vm, change, { seq, at }));
    }
    if (events.length > 0) await appendEvents(trx, events);
    return written;
  });
}

async function updateSilently(trx: Trx, { vm, silent, fence }: Extract<VmWrite, { silent: VmUpdate }>) {
  const { numUpdatedRows } = await trx
    .updateTable('vm')
    .set(silent)
    .where('id', '=', vm.id)
    .where('lease_owner', '=', fence.leaseOwner)
    .where('generation', '=', fence.generation)
    .executeTakeFirstOrThrow();
  return numUpdatedRows > 0n;
}
