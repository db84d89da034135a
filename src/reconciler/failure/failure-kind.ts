import { isDatabaseError } from '../../db/database.ts';
import { EngineError } from '../../engine/engine-error.ts';
import type { VmStatus } from '../../vm/vm-status.ts';

/**
 * What an error that ended a step says:
 * `verdict`, the engine's word on this VM, which may fail it or undo its change;
 * `outage`, that engine or database did not answer well, so that nothing is known of the VM;
 * `fault`, a defect of ours, of which the VM knows nothing either.
 */
export type FailureKind = 'verdict' | 'outage' | 'fault';

/** Statuses in which the app was seen up, and may be up now. */
const SEEN_UP: ReadonlySet<VmStatus> = new Set(['RUNNING', 'DEGRADED', 'UNKNOWN']);

/** `status` is the VM's at the time. A VM that is up is only looked at: what fails then is the look, and not the VM. */
export function failureKind(error: unknown, status: VmStatus): FailureKind {
  if (error instanceof EngineError) return error.isRefusal && !SEEN_UP.has(status) ? 'verdict' : 'outage';
  return isDatabaseError(error) ? 'outage' : 'fault';
}
