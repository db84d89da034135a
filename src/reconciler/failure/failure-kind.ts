import { isDatabaseError } from '../../db/database-errors.ts';
import { EngineError } from '../../engine/engine-error.ts';
import type { VmStatus } from '../../vm/vm-status.ts';

/**
 * What an error that ended a step means:
 * `verdict`: the engine refused this VM. The VM may fail, or its change be undone.
 * `outage`: engine or database did not answer well. It says nothing about the VM.
 * `fault`: a bug of ours. It says nothing about the VM either.
 */
export type FailureKind = 'verdict' | 'outage' | 'fault';

/** The app was up in these statuses and may be up now. */
const SEEN_UP: ReadonlySet<VmStatus> = new Set(['RUNNING', 'DEGRADED', 'UNKNOWN']);

/** `status`: the VM's at the time. A VM that is up is only observed, so its errors say nothing about the VM. */
export function failureKind(error: unknown, status: VmStatus): FailureKind {
  if (error instanceof EngineError) return error.isRefusal && !SEEN_UP.has(status) ? 'verdict' : 'outage';
  return isDatabaseError(error) ? 'outage' : 'fault';
}
