import { sql } from 'kysely';
import type { Db, Trx } from '../../db/database.ts';
import { runTransaction } from '../../db/transaction.ts';
import { appendEvents, lockEventSeqs } from '../../events/append-events.ts';
import type { NewEvent } from '../../events/append-event.ts';
import { updateVms, type RowUpdate } from '../../vm/store/update-vms.ts';
import {
  columnsAfter,
  eventOf,
  type Fence,
  type VmAfter,
  type VmBefore,
  type VmChange,
  type VmUpdate,
} from '../../vm/store/vm-change.ts';

/** A write of an iteration: a change with its event, or columns that no subscriber sees. */
export type VmWrite = { readonly vm: VmBefore; readonly fence: Fence } & (
  | { readonly change: VmChange; readonly silent?: undefined }
  | { readonly silent: VmUpdate; readonly change?: undefined }
);

/**
 * Performs writes of many VMs, one of each, in one transaction and few statements: what takes time is to wait for the
 * database. A write whose fence does not hold changes nothing, and is missing in the result.
 */
export async function writeVms(db: Db, writes: readonly VmWrite[]): Promise<ReadonlyMap<VmWrite, VmAfter>> {
  return runTransaction(db, async (trx) => {
    const userIds = writes.flatMap(({ vm, change }) => (change === undefined ? [] : [vm.userId]));
    const { seqs, at } = await lockEventSeqs(trx, userIds);
    const held = await lockHeld(trx, writes);
    const after = new Map<VmWrite, VmAfter>();
    const updates: RowUpdate[] = [];
    const events: NewEvent[] = [];
    for (const write of writes) {
      const { vm, change, silent } = write;
      if (!held.has(vm.id)) continue;
      if (change === undefined) {
        updates.push({ id: vm.id, columns: silent });
        after.set(write, vm);
        continue;
      }
      const number = { seq: (seqs.get(vm.userId) ?? 0) + 1, at };
      seqs.set(vm.userId, number.seq);
      const columns = columnsAfter(vm, change, number);
      updates.push({ id: vm.id, columns });
      events.push(eventOf(vm, change, number));
      const { status = vm.status } = change;
      after.set(write, { status, boot: typeof columns.boot === 'string' ? JSON.parse(columns.boot) : vm.boot });
    }
    await updateVms(trx, updates);
    if (events.length > 0) await appendEvents(trx, events);
    return after;
  });
}

/** Locks the VMs, in the one order of all who lock several, and resolves to those whose fence holds. */
async function lockHeld(trx: Trx, writes: readonly VmWrite[]): Promise<ReadonlySet<string>> {
  const { rows } = await sql<{ id: string }>`
    select vm.id from vm join unnest(
      ${writes.map(({ vm }) => vm.id)}::uuid[], ${writes.map(({ fence }) => fence.leaseOwner)}::text[],
      ${writes.map(({ fence }) => fence.generation)}::bigint[],
      ${writes.map(({ vm, change }) => (change === undefined ? null : vm.status))}::text[]
    ) as write (id, owner, generation, status) on vm.id = write.id
    where vm.lease_owner = write.owner and vm.generation = write.generation
      and coalesce(write.status, vm.status) = vm.status
    order by vm.id for update of vm
  `.execute(trx);
  return new Set(rows.map(({ id }) => id));
}
