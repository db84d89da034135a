import { sql, type UpdateObject } from 'kysely';
import { insertAction, type VmAction } from '../../audit/audit-store.ts';
import type { Trx } from '../../db/database.ts';
import type { Database } from '../../db/tables.ts';
import {
  announceEvent,
  insertEventRow,
  nextEventSeq,
  type EventNumber,
  type NewEvent,
} from '../../events/append-event.ts';
import type { EventReason, StoredEventKind } from '../../events/vm-event.ts';
import { nextBoot } from '../vm-boot.ts';
import { activeTraceparent } from '../../tracing.ts';
import { columnsOf, toVm, type VmProperty } from './vm-columns.ts';
import type { Vm } from '../vm.ts';
import type { VmStatus } from '../vm-status.ts';

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

/** What a subscriber sees of the VM after the change. */
export type VmAfter = Pick<Vm, 'status' | 'boot'>;

const AFTER: ReadonlySet<VmProperty> = new Set(['status', 'boot'] satisfies (keyof VmAfter)[]);

interface ChangeOptions {
  readonly fence?: Fence;
  /** What the returned VM has; by default its status and its boot. */
  readonly returned?: ReadonlySet<VmProperty>;
  /** What the audit says of the change. */
  readonly record?: VmAction | undefined;
}

/**
 * Changes the VM and stores its event in the caller's transaction, in one statement. Returns the VM after it. Undefined
 * when the fence no longer holds: the caller must then roll back, because the event is stored already. Without a fence
 * the caller must hold the row's lock.
 */
export async function changeVm(
  trx: Trx,
  vm: VmBefore,
  change: VmChange,
  { fence, returned = AFTER, record }: ChangeOptions = {},
): Promise<Vm | undefined> {
  const number = await nextEventSeq(trx, vm.userId);
  const event = eventOf(vm, change, number);
  const stored = trx.with('stored', () => sql<object>`(${insertEventRow(event)})`);
  const recorded =
    record === undefined ? stored : stored.with('recorded', () => sql<object>`(${insertAction(record)})`);
  const row = await recorded
    .updateTable('vm')
    .set(columnsAfter(vm, change, number))
    .where('id', '=', vm.id)
    .where(fence === undefined ? sql<boolean>`true` : holds(vm, fence))
    .returning(columnsOf(returned))
    .executeTakeFirst();
  if (row === undefined) return undefined;
  announceEvent(trx, event, { wakeReconciler: change.desire ?? false });
  return toVm(row);
}

export function eventOf(vm: VmBefore, change: VmChange, { seq, at }: EventNumber): NewEvent {
  const { kind = 'CHANGED', status = vm.status, reason, note } = change;
  return { userId: vm.userId, seq, vmId: vm.id, kind, status, previousStatus: vm.status, reason, note, at };
}

/** The columns that the change writes. */
export function columnsAfter(
  vm: VmBefore,
  { status = vm.status, set = {}, desire = false }: VmChange,
  { seq, at }: EventNumber,
): VmUpdate {
  const endsUnknown = vm.status === 'UNKNOWN' && status !== 'UNKNOWN';
  // The engine's silence is over: what it took the place of is the last failure again.
  const failure = endsUnknown ? sql<string | null>`last_failure -> 'before'` : sql<string | null>`last_failure`;
  const boot = nextBoot(vm.boot, { from: vm.status, to: status, at, isAsked: desire });
  return {
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
  };
}

/** Whether the fence holds for the row, which is found by its id. */
function holds({ status }: VmBefore, { leaseOwner, generation }: Fence) {
  // An equation of the status would let PostgreSQL choose the index of VMs that are not stopped: it believes them few.
  return sql<boolean>`(
    lease_owner = ${leaseOwner} and generation = ${generation} and status is not distinct from ${status}
  )`;
}
