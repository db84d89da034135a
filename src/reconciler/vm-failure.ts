import { EngineError, type EngineErrorCode } from '../engine/engine-error.ts';
import type { EventReason } from '../events/vm-event.ts';

/** The closed table of what can be wrong with a VM. */
export type FailureCode = EngineErrorCode | 'APP_EXITED' | 'OUT_OF_MEMORY' | 'APP_SILENT' | 'NOT_IN_CATALOG';

export interface FailureCause {
  readonly code: FailureCode;
  /** What happened and what to do, for a person. */
  readonly message: string;
  readonly reason: EventReason;
  readonly exitCode?: number;
  readonly oomKilled: boolean;
}

/** The app ended by itself. */
export function exitedCause(exitCode: number | undefined, oomKilled: boolean, ramGb: number): FailureCause {
  if (oomKilled) {
    const message = `The app used more than its ${ramGb} GB of memory and was ended. Stop the VM and give it more.`;
    return { code: 'OUT_OF_MEMORY', message, reason: 'OOM', oomKilled, ...(exitCode !== undefined && { exitCode }) };
  }
  const message =
    exitCode === 0
      ? 'The app ended by itself, without an error. Its last lines may say why.'
      : `The app ended by itself with exit code ${exitCode ?? 'unknown'}. Its last lines may say why.`;
  return { code: 'APP_EXITED', message, reason: 'CRASH', oomKilled, ...(exitCode !== undefined && { exitCode }) };
}

/** The app runs, but nothing answers on its port. */
export function silentCause(port: number, seconds: number): FailureCause {
  const message = `The app did not answer on port ${port} within ${seconds} seconds of its start. Its last lines may say why.`;
  return { code: 'APP_SILENT', message, reason: 'DEADLINE', oomKilled: false };
}

/** The operator took the entry out of the catalog. */
export function notInCatalogCause(distribution: string, desktop: string | null): FailureCause {
  const what = desktop === null ? `"${distribution}"` : `"${distribution}" with the desktop "${desktop}"`;
  return {
    code: 'NOT_IN_CATALOG',
    message: `The catalog no longer has ${what}; ask the operator, or create another VM.`,
    reason: 'ENGINE',
    oomKilled: false,
  };
}

/** What the engine refused; anything else is a fault of ours and says no more than that. */
export function engineCause(error: unknown): FailureCause {
  if (error instanceof EngineError) return { code: error.code, message: error.message, reason: 'ENGINE', oomKilled: false };
  return { code: 'ENGINE_REFUSED', message: 'The gateway could not start the app; its log says why.', reason: 'ENGINE', oomKilled: false };
}

/** The engine cannot be asked: nothing is known of the VM, so nothing is said to be wrong with it. */
export function isEngineAway(error: unknown): boolean {
  return error instanceof EngineError && (error.code === 'ENGINE_UNREACHABLE' || error.code === 'ENGINE_TIMEOUT');
}

const LONGEST_SECONDS = 60;

/** Seconds until the next try after so many failures in a row: 2, 4, 8, 16, 32, 60, 60 …: at most 15 starts in 10 minutes. */
export function backoffSeconds(attempts: number): number {
  return Math.min(LONGEST_SECONDS, 2 ** Math.min(attempts, 10));
}
