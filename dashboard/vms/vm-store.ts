import type { VmEvent } from '../api/vm-events.ts';
import type { Vm } from '../api/vm-fields.ts';

/** The VMs of the account as far as the event stream has told. */
export interface VmState {
  readonly vms: ReadonlyMap<string, Vm>;
  /** The `seq` of the last event, to resume after; undefined until all snapshots have come. */
  readonly seq: number | undefined;
  /** The VMs on the screen that no snapshot of the present stream has confirmed yet. */
  readonly unconfirmed: ReadonlySet<string>;
}

export const NOTHING: VmState = { vms: new Map(), seq: undefined, unconfirmed: new Set() };

/** An event is missing: subscribe anew, without a cursor. */
export class GapError extends Error {
  override readonly name = 'GapError';
}

/** Whether an event is a change, and not the state at the start, the progress of a boot or a marker. */
export function isChange({ kind }: Pick<VmEvent, 'kind'>): boolean {
  return kind === 'CREATED' || kind === 'CHANGED' || kind === 'DELETED';
}

/** A subscription without a cursor begins: what is on the screen stays until the snapshots confirm or replace it. */
export function beginSnapshots({ vms }: VmState): VmState {
  return { vms, seq: undefined, unconfirmed: new Set(vms.keys()) };
}

/**
 * The state after these events, in their order. Throws a GapError if a stored event is missing. `isFirst` says whether
 * they are the first of their subscription: snapshots there mean that the cursor was too old.
 */
export function applyEvents(state: VmState, events: readonly VmEvent[], { isFirst = false } = {}): VmState {
  const begins = isFirst && (events[0]?.kind === 'SNAPSHOT' || events[0]?.kind === 'SNAPSHOT_END');
  const begun = begins ? beginSnapshots(state) : state;
  const vms = new Map(begun.vms);
  const unconfirmed = new Set(begun.unconfirmed);
  let { seq } = begun;
  const put = ({ vmId, vm }: VmEvent): void => void (vm === null ? vms.delete(vmId) : vms.set(vmId, vm));
  for (const event of events) {
    const number = Number(event.seq);
    if (event.kind === 'SNAPSHOT') {
      unconfirmed.delete(event.vmId);
      put(event);
    } else if (event.kind === 'SNAPSHOT_END') {
      // What had no snapshot has been deleted.
      for (const id of unconfirmed) vms.delete(id);
      unconfirmed.clear();
      seq = number;
    } else if (event.kind === 'PROGRESS') {
      if (event.vm !== null && vms.has(event.vmId)) put(event);
    } else if (isChange(event) && (seq === undefined || number > seq)) {
      if (seq !== undefined && number !== seq + 1) throw new GapError(`Event ${number} came after ${seq}.`);
      seq = number;
      put(event);
    }
  }
  return { vms, unconfirmed, seq };
}
