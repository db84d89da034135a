import { sql, type UpdateObject } from 'kysely';
import type { Trx } from '../db/database.ts';
import type { Database } from '../db/tables.ts';
import { insertEvent, nextEventSeq, type NewEvent } from '../events/append-event.ts';
import type { EventReason, StoredEventKind } from '../events/vm-event.ts';
import { nextBoot } from './vm-boot.ts';
import { activeTraceparent } from '../tracing.ts';
import type { Vm } from './vm.ts';
import type { VmStatus } from './vm-status.ts';

export type VmUpdate = UpdateObject<Database, 'vm', 'vm'>;

export interface VmChange {
  readonly kind?: StoredEventKind;
  readonly status?: VmStatus;
  readonly reason: EventReason;
  /** What an operator says of it, for the owner. */
  readonly note?: string | undefined;
  readonly set?: VmUpdate;
  /** The desired state changed: starts a new generation and wakes the reconciler. */
  readonly desire?: boolean;
}

/** Conditions that must still hold for the change to happen. They fence off a reconciler that lost its lease. */
export interface Fence {
  readonly leaseOwner: string;
  readonly generation: number;
}

/** The VM before the change. A fenced change happens only if the status is still the same. */
export type VmBefore = Pick<Vm, 'id' | 'userId' | 'status' | 'boot'>;

/** The VM after the change. */
export type VmAfter = Pick<Vm, 'status' | 'boot'>;

/**
 * Changes the VM and stores the event in the caller's transaction. Returns its new status and boot. Undefined when the
 * fence no longer holds: the caller must then roll back, because the account's counter was incremented. Without a fence
 * the caller must hold the row's lock.
 */
export async function changeVm(trx: Trx, vm: VmBefore, change: VmChange, fence?: Fence): Promise<VmAfter | undefined> {
  const number = await nextEventSeq(trx, vm.userId);
  const changed = await updateVm(trx, vm, change, number, fence);
  if (changed === undefined) return undefined;
  await insertEvent(trx, eventOf(vm, change, number), { wakeReconciler: change.desire ?? false });
  return changed;
}

/** The number that the change's event has, and its time. */
type EventNumber = Pick<NewEvent, 'seq' | 'at'>;

export function eventOf(vm: VmBefore, change: VmChange, { seq, at }: EventNumber): NewEvent {
  const { kind = 'CHANGED', status = vm.status, reason, note } = change;
  return { userId: vm.userId, seq, vmId: vm.id, kind, status, previousStatus: vm.status, reason, note, at };
}

/** Changes the VM's row, but stores no event. Undefined when the fence no longer holds: nothing was changed. */
export async function updateVm(
  trx: Trx,
  vm: VmBefore,
  { status = vm.status, set = {}, desire = false }: VmChange,
  { seq, at }: EventNumber,
  fence?: Fence,
): Promise<VmAfter | undefined> {
  const endsUnknown = vm.status === 'UNKNOWN' && status !== 'UNKNOWN';
  // The engine's silence is over: what it took the place of is the last failure again.
  const failure = endsUnknown ? sql<string | null>`last_failure -> 'before'` : sql<string | null>`last_failure`;
  const boot = nextBoot(vm.boot, { from: vm.status, to: status, at, isAsked: desire });
  let update = trx
    .updateTable('vm')
    .set({
      ...(endsUnknown && { last_failure: failure }),
      // A new desire is tried even after an undo, whose failure is no longer shown.
      ...(desire && {
        undone_hash: null,
        last_failure: sql<string | null>`case when undone_hash is null then ${failure} end`,
      }),
      ...set,
      last_event_seq: seq,
      ...(status !== vm.status && { status, status_since: sql<Date>`now()`, boot: boot && JSON.stringify(boot) }),
      ...(desire && {
        generation: sql<number>`generation + 1`,
        wakes: sql<number>`wakes + 1`,
        next_attempt_at: sql<Date>`now()`,
        traceparent: activeTraceparent() ?? null,
      }),
    })
    .where('id', '=', vm.id);
  if (fence !== undefined) {
    update = update
      .where('lease_owner', '=', fence.leaseOwner)
      .where('generation', '=', fence.generation)
      // An equation would let PostgreSQL choose the index of VMs that are not stopped, which it believes to be few.
      .where('status', 'is not distinct from', vm.status);
  }
  const { numUpdatedRows } = await update.executeTakeFirstOrThrow();
  if (numUpdatedRows === 0n) return undefined;
  return { status, boot };
}
