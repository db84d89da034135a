import type { Inventory } from '../engine/driver.ts';
import { LABEL } from '../engine/labels.ts';
import type { VmStatus } from '../vm/vm-status.ts';

/** What of a row the comparison needs. */
export interface KnownVm {
  readonly id: string;
  readonly status: VmStatus;
  readonly engineRef: string | null;
  readonly address: string | null;
}

/** Statuses that claim a running container. */
const UP: ReadonlySet<VmStatus> = new Set(['RUNNING', 'DEGRADED', 'UNKNOWN']);
/** Statuses in which somebody is at work: the pass that holds the lease looks for itself. */
const AT_REST: ReadonlySet<VmStatus> = new Set(['STOPPED', 'FAILED']);

/** The VMs whose row and engine disagree: what events may have failed to tell. */
export function findDrift(vms: readonly KnownVm[], { machines }: Inventory): string[] {
  const running = new Map(machines.filter(({ state }) => state === 'running').map((machine) => [machine.id, machine]));
  return vms
    .filter(({ id, status, engineRef, address }) => {
      const machine = running.get(id);
      if (UP.has(status)) return machine === undefined || machine.ref !== engineRef || machine.address !== address;
      return AT_REST.has(status) && machine !== undefined;
    })
    .map(({ id }) => id);
}

/** What to do with what is ours on the engine and has no row. */
export type OrphanVerdict = { readonly remove: readonly string[] } | { readonly hold: string };

export interface Orphanage {
  /** Ids of machines and volumes without a row, seen so for the whole grace. */
  readonly orphans: readonly string[];
  readonly inventory: Inventory;
  /** The number of the newest VM that this database ever made. */
  readonly newestNumber: number;
}

/**
 * An orphan is removed, unless the engine knows more than the database: then the database is what is wrong (restored from
 * a backup, or emptied), and removing would destroy data that it has merely forgotten.
 */
export function judgeOrphans({ orphans, inventory, newestNumber }: Orphanage): OrphanVerdict {
  const all = [...inventory.machines, ...inventory.volumes];
  // A label that is no number must not hide the others: NaN would, and is bigger than nothing.
  const newest = Math.max(0, ...all.map(({ labels }) => Number(labels[LABEL.number]) || 0));
  if (newest > newestNumber) {
    return {
      hold: `The engine has VM number ${newest}, the database only made ${newestNumber}: it was restored from a backup or emptied.`,
    };
  }
  const ours = new Set(all.map(({ id }) => id)).size;
  if (orphans.length > Math.max(5, ours * 0.3)) {
    return { hold: `${orphans.length} of ${ours} machines have no row in the database: too many to be leftovers.` };
  }
  return { remove: orphans };
}
