import { sql, type UpdateObject } from 'kysely';
import type { Database, Trx } from '../db/database.ts';
import { insertEvent, nextEventSeq } from '../events/append-event.ts';
import type { EventReason, StoredEventKind } from '../events/vm-event.ts';
import { nextBoot } from './vm-boot.ts';
import type { Vm } from './vm.ts';
import type { VmStatus } from './vm-status.ts';

export type VmUpdate = UpdateObject<Database, 'vm', 'vm'>;

export interface VmChange {
  readonly kind?: StoredEventKind;
  readonly status?: VmStatus;
  readonly reason: EventReason;
  readonly set?: VmUpdate;
  /** The desire changed: a new generation, and the reconciler is woken. */
  readonly desire?: boolean;
}

/** Further conditions that must still hold for the change to happen: how a reconciler that lost its lease is fenced off. */
export interface Fence {
  readonly leaseOwner: string;
  readonly generation: number;
}

/** What a change follows on. The status decides whether it still may; the boot changes only with it. */
export type VmBefore = Pick<Vm, 'id' | 'userId' | 'status' | 'boot'>;

/**
 * Changes the VM and stores the event of it, in the caller's transaction; its status and boot from then on. Undefined, and nothing
 * is changed, when the fence no longer holds; the caller must then roll back, since the account's counter has moved. Without a fence
 * the caller holds the row's lock.
 */
export async function changeVm(trx: Trx, vm: VmBefore, change: VmChange, fence?: Fence): Promise<Pick<Vm, 'status' | 'boot'> | undefined> {
  const { kind = 'CHANGED', status = vm.status, reason, set = {}, desire = false } = change;
  const { seq, at } = await nextEventSeq(trx, vm.userId);
  const boot = nextBoot(vm.boot, { from: vm.status, to: status, at, isAsked: desire });
  let update = trx
    .updateTable('vm')
    .set({
      // What was undone is tried again with whatever is wanted now: why it was is then of the past.
      ...(desire && {
        undone_hash: null,
        last_failure: sql<string | null>`case when undone_hash is null then last_failure end`,
      }),
      ...set,
      last_event_seq: seq,
      ...(status !== vm.status && { status, status_since: sql<Date>`now()`, boot: boot && JSON.stringify(boot) }),
      ...(desire && {
        generation: sql<number>`generation + 1`,
        wakes: sql<number>`wakes + 1`,
        next_attempt_at: sql<Date>`now()`,
      }),
    })
    .where('id', '=', vm.id);
  if (fence !== undefined) {
    update = update.where('lease_owner', '=', fence.leaseOwner).where('generation', '=', fence.generation).where('status', '=', vm.status);
  }
  const { numUpdatedRows } = await update.executeTakeFirstOrThrow();
  if (numUpdatedRows === 0n) return undefined;
  const event = { userId: vm.userId, seq, vmId: vm.id, kind, status, previousStatus: vm.status, reason };
  await insertEvent(trx, event, { wakeReconciler: desire });
  return { status, boot };
}
