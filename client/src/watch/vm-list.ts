import type { VmEvent } from './follow-events.ts';
import type { Vm, VmChange, VmsState } from '../vm.ts';

/**
 * The VMs of an account as far as its event stream has told.
 *
 * INVARIANTS
 * - `#seq` is the number of the last event that `#vms` includes. Without it, a stream begins with snapshots.
 * - Snapshots are kept apart until they are complete: until then `#vms` is what was known before.
 */
export class VmList {
  #vms = new Map<string, Vm>();
  #seq: number | undefined;
  #snapshots: Map<string, Vm> | undefined;
  #changes: VmChange[] = [];

  /** A stream begins: returns the `seq` to go on after. */
  begin(): string | undefined {
    this.#snapshots = undefined;
    return this.#seq === undefined ? undefined : String(this.#seq);
  }

  /** `gap`: an event is missing before this one, and the stream must begin again. */
  apply(event: VmEvent): 'changed' | 'same' | 'gap' {
    const { kind, vmId, vm } = event;
    switch (kind) {
      case 'SNAPSHOT':
        this.#seq = undefined;
        this.#snapshots ??= new Map();
        if (vm !== null) this.#snapshots.set(vmId, vm);
        return 'same';
      case 'SNAPSHOT_END':
        this.#vms = new Map([...(this.#snapshots ?? [])].toSorted(byCreation));
        this.#snapshots = undefined;
        this.#seq = Number(event.seq);
        return 'changed';
      case 'REPLAY_END':
        return 'same';
      case 'PROGRESS':
        if (vm === null || this.#seq === undefined || !this.#vms.has(vmId)) return 'same';
        this.#vms.set(vmId, vm);
        return 'changed';
      case 'CREATED':
      case 'CHANGED':
      case 'DELETED':
        return this.#applyChange({ ...event, kind });
    }
  }

  #applyChange({ seq, kind, vmId, vm, status, previousStatus, reason, at }: VmEvent & Pick<VmChange, 'kind'>) {
    const vms = this.#snapshots ?? this.#vms;
    if (this.#snapshots === undefined) {
      const number = Number(seq);
      if (this.#seq !== undefined && number <= this.#seq) return 'same';
      if (this.#seq === undefined || number !== this.#seq + 1) {
        this.#seq = undefined;
        return 'gap';
      }
      this.#seq = number;
      this.#changes.push({ seq: number, kind, vmId, status, previousStatus, reason, at });
    }
    if (kind === 'DELETED') vms.delete(vmId);
    // Without a VM it has been deleted meanwhile, and its last event follows.
    else if (vm !== null) vms.set(vmId, vm);
    return this.#snapshots === undefined ? 'changed' : 'same';
  }

  /** The present state, with the changes since it was last taken. */
  take(): VmsState {
    const changes = this.#changes;
    this.#changes = [];
    return { vms: new Map(this.#vms), changes };
  }
}

function byCreation([, one]: [string, Vm], [, other]: [string, Vm]): number {
  return one.createdAt.localeCompare(other.createdAt);
}
