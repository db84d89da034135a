import type { Inventory } from '../../engine/driver.ts';
import type { VmStatus } from '../../vm/vm-status.ts';

/** What of a row the comparison needs. */
export interface KnownVm {
  readonly id: string;
  readonly status: VmStatus;
  readonly engineRef: string | null;
  readonly address: string | null;
}

/** Statuses that claim a running container, where the row says. That of a boot is waited for: it goes round again when hinted. */
export const UP: ReadonlySet<VmStatus> = new Set(['BOOTING', 'RUNNING', 'DEGRADED', 'UNKNOWN']);
/** Statuses in which nothing runs. In all others somebody is at work who looks before each step. */
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
