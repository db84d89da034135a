import type { VmEvent } from '../api/vm-events.ts';
import type { Vm } from '../api/vm-fields.ts';

/** The VMs of the account as far as the event stream has told. */
export interface VmState {
  readonly vms: ReadonlyMap<string, Vm>;
  /** The `seq` of the last event, to resume after; undefined before the first. */
  readonly seq: number | undefined;
  /** After a new start of the stream: the VMs that no snapshot has confirmed yet. */
  readonly unconfirmed: ReadonlySet<string>;
  /** Whether every VM is known. */
  readonly isComplete: boolean;
}

export const NOTHING: VmState = { vms: new Map(), seq: undefined, unconfirmed: new Set(), isComplete: false };

/** An event is missing: subscribe anew, without a cursor. */
export class GapError extends Error {
  override readonly name = 'GapError';
}

/** A subscription without a cursor begins: what is on the screen stays until the snapshots confirm or replace it. */
export function beginSnapshots(state: VmState): VmState {
  return { ...state, seq: undefined, unconfirmed: new Set(state.vms.keys()), isComplete: false };
}

/**
 * The state after these events, in their order. Throws a GapError if a stored event is missing. `isFirst` says whether
 * they are the first of their subscription: snapshots there mean that the cursor was too old.
 */
export function applyEvents(state: VmState, events: readonly VmEvent[], { isFirst = false } = {}): VmState {
  const restarts = isFirst && events[0]?.kind === 'SNAPSHOT' && state.seq !== undefined;
  const begun = restarts ? beginSnapshots(state) : state;
  const vms = new Map(begun.vms);
  const unconfirmed = new Set(begun.unconfirmed);
  let { seq } = begun;
  for (const event of events) {
    const number = Number(event.seq);
    if (event.kind !== 'SNAPSHOT' && event.kind !== 'PROGRESS') {
      if (seq !== undefined && number <= seq) continue;
      if (seq !== undefined && number !== seq + 1) throw new GapError(`Event ${number} came after ${seq}.`);
    }
    seq = Math.max(seq ?? 0, number);
    unconfirmed.delete(event.vmId);
    if (event.kind === 'PROGRESS' && (event.vm === null || !vms.has(event.vmId))) continue;
    if (event.vm === null) vms.delete(event.vmId);
    else vms.set(event.vmId, event.vm);
  }
  return { ...begun, vms, unconfirmed, seq };
}

/** Whether so many VMs are confirmed. */
export function hasAll({ vms, unconfirmed }: VmState, count: number): boolean {
  return vms.size - unconfirmed.size >= count;
}

/** All snapshots have come: what they did not confirm has been deleted. */
export function endSnapshots(state: VmState): VmState {
  const vms = new Map([...state.vms].filter(([id]) => !state.unconfirmed.has(id)));
  return { ...state, vms, unconfirmed: new Set(), isComplete: true };
}
