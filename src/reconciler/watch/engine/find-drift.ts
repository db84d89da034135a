import type { Inventory } from '../../../engine/engine-reports.ts';
import type { VmStatus } from '../../../vm/vm-status.ts';

/** The columns of a VM that the comparison needs. */
export interface KnownVm {
  readonly id: string;
  readonly status: VmStatus;
  readonly engineRef: string | null;
  readonly address: string | null;
  readonly node: string | null;
}

/** In these statuses the row says which container runs, and at what address. */
export const UP: ReadonlySet<VmStatus> = new Set(['BOOTING', 'RUNNING', 'DEGRADED', 'UNKNOWN']);
/** Statuses in which nothing runs. In all others a reconciliation is under way, which observes before each step. */
const AT_REST: ReadonlySet<VmStatus> = new Set(['STOPPED', 'FAILED']);

/** Returns the VMs whose row and engine disagree, because an event was missed. */
export function findDrift(vms: readonly KnownVm[], { machines }: Inventory): string[] {
  const running = new Map(machines.filter(({ state }) => state === 'running').map((machine) => [machine.id, machine]));
  return vms
    .filter(({ id, status, engineRef, address, node }) => {
      const machine = running.get(id);
      if (UP.has(status))
        return machine?.ref !== engineRef || machine.address !== address || (machine.node ?? null) !== node;
      return AT_REST.has(status) && machine !== undefined;
    })
    .map(({ id }) => id);
}
