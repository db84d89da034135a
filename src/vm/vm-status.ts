/**
 * The observed state of a VM and its transitions:
 *
 *   STOPPED → QUEUED → PULLING → STARTING → BOOTING → RUNNING ⇄ DEGRADED → STOPPING → STOPPED
 *   any status of a boot → FAILED → QUEUED (at its retry, or when started again)
 *   any → DELETING → DELETED (only in the last event; the row is gone)
 *   any → UNKNOWN while the engine does not answer
 */
export const VM_STATUSES = [
  'STOPPED',
  'QUEUED',
  'PULLING',
  'STARTING',
  'BOOTING',
  'RUNNING',
  'DEGRADED',
  'STOPPING',
  'FAILED',
  'DELETING',
  'DELETED',
  'UNKNOWN',
] as const;

export type VmStatus = (typeof VM_STATUSES)[number];

export function isVmStatus(value: string): value is VmStatus {
  return (VM_STATUSES as readonly string[]).includes(value);
}

/** UNKNOWN for a status that this version does not know: a newer gateway on the same database may have written it. */
export function toVmStatus(value: string): VmStatus {
  return isVmStatus(value) ? value : 'UNKNOWN';
}

const BOOTING: ReadonlySet<VmStatus> = new Set(['QUEUED', 'PULLING', 'STARTING', 'BOOTING']);

/** Whether the VM is booting, and so has progress to show. */
export function isBooting(status: VmStatus): boolean {
  return BOOTING.has(status);
}
