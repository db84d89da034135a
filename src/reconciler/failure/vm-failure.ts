import { EngineError } from '../../engine/engine-error.ts';
import type { EventReason } from '../../events/vm-event.ts';
import { FAILURE_CODES, type FailureCode } from '../../vm/failure-code.ts';
import type { VmStatus } from '../../vm/vm-status.ts';
import type { Vm, VmFailure } from '../../vm/vm.ts';

export interface FailureCause {
  readonly code: FailureCode;
  /** What happened and what to do, for a person. */
  readonly message: string;
  readonly reason: EventReason;
  readonly exitCode?: number;
  readonly oomKilled: boolean;
  /** An automatic retry would fail again: only the VM's owner starts it. */
  readonly isFinal?: true;
}

/** Exit codes that mean the same in every shell. */
const EXIT_CODES: Readonly<Record<number, string>> = {
  126: ': its command may not be executed',
  127: ': its command was not found',
  134: ': it aborted',
  139: ': it crashed (segmentation fault)',
  143: ': it was asked to end (SIGTERM)',
};
/** SIGKILL. */
const KILLED = 137;

/** The app exited. */
export function exitedCause(exitCode: number | undefined, oomKilled: boolean, ramGb: number): FailureCause {
  if (oomKilled) {
    const message = `The app used more than its ${ramGb} GB of memory and was killed. Stop the VM and give it more.`;
    return { code: 'OUT_OF_MEMORY', message, reason: 'OOM', oomKilled, ...(exitCode !== undefined && { exitCode }) };
  }
  const message = exitMessage(exitCode, ramGb);
  return { code: 'APP_EXITED', message, reason: 'CRASH', oomKilled, ...(exitCode !== undefined && { exitCode }) };
}

function exitMessage(exitCode: number | undefined, ramGb: number): string {
  if (exitCode === 0) return 'The app exited without an error. Its last lines may say why.';
  if (exitCode === KILLED) {
    const what = `The app was killed (exit code ${KILLED}), probably for lack of memory: it has ${ramGb} GB.`;
    return `${what} If nobody killed it by hand, stop the VM and give it more.`;
  }
  const meaning = EXIT_CODES[exitCode ?? -1] ?? '';
  return `The app exited with exit code ${exitCode ?? 'unknown'}${meaning}. Its last lines may say why.`;
}

/** The app runs but does not answer on its port. */
export function silentCause(port: number, seconds: number): FailureCause {
  const what = `The app did not answer on port ${port} within ${seconds} seconds of its start, and was stopped.`;
  const message = `${what} Its last lines may say why.`;
  return { code: 'APP_SILENT', message, reason: 'DEADLINE', oomKilled: false };
}

/** The container wrote more than it may outside its lasting volumes. */
export function pastScratchCause(scratchGb: number): FailureCause {
  const what =
    `The app wrote more than ${scratchGb} GB outside its lasting storage, where each file counts at least 16 ` +
    'KB, and was stopped.';
  const message =
    `${what} Start it again and clean up within a minute; or stop it first, and it starts afresh without what ` +
    'it wrote there.';
  return { code: 'DISK_LIMIT', message, reason: 'DISK', oomKilled: false, isFinal: true };
}

export function noRoomCause(region: string): FailureCause {
  const what = `The disk of region "${region}" is nearly full, so nothing new is started there; what runs goes on.`;
  const message = `${what} It is retried automatically: the operator has to free space, or try another region.`;
  return { code: 'NO_SPACE', message, reason: 'ENGINE', oomKilled: false };
}

/** The operator removed the entry from the catalog. */
export function notInCatalogCause(distribution: string, desktop: string | null): FailureCause {
  const what = desktop === null ? `"${distribution}"` : `"${distribution}" with the desktop "${desktop}"`;
  return {
    code: 'NOT_IN_CATALOG',
    message: `The catalog no longer has ${what}; ask the operator, or create another VM.`,
    reason: 'ENGINE',
    oomKilled: false,
  };
}

/** The engine's refusal. Any other error is our bug, and its details are only in the log. */
export function engineCause(error: unknown): FailureCause {
  if (error instanceof EngineError)
    return { code: error.code, message: error.message, reason: 'ENGINE', oomKilled: false };
  return {
    code: 'ENGINE_REFUSED',
    message: 'The gateway could not start the app; its log says why.',
    reason: 'ENGINE',
    oomKilled: false,
  };
}

/** Whether the engine did not answer at all: nothing is known of the VM then. */
export function isEngineAway(error: unknown): error is EngineError {
  return error instanceof EngineError && (error.code === 'ENGINE_UNREACHABLE' || error.code === 'ENGINE_TIMEOUT');
}

/** Whether the one node of a cluster that the VM must be on does not answer: nothing is known of the VM then. */
export function isNodeLost(error: unknown): error is EngineError {
  return error instanceof EngineError && error.code === 'NODE_LOST';
}

/** Shown while the VM's engine does not answer. The engine's address is only in the log, for the operator. */
export function awayCause(error: EngineError, region: string): FailureCause {
  if (error.code === 'NODE_LOST') return engineCause(error);
  const message =
    `The engine of region "${region}" does not answer. It is asked again every few seconds; until it answers, ` +
    'nothing is known of the VM.';
  return { code: error.code, message, reason: 'ENGINE', oomKilled: false };
}

/** Adds to the cause that the change was undone. */
export function undoneCause(cause: FailureCause): FailureCause {
  const what = 'The change was undone: the VM continues in its previous container.';
  return {
    ...cause,
    message: `${cause.message} ${what} The change is kept and tried again at the next change, restart or start.`,
  };
}

/** The failure as stored. `now`: ms since 1970. Without `retryInSeconds` there is no automatic retry. */
export function toVmFailure(
  { code, message, exitCode, oomKilled }: FailureCause,
  {
    step,
    logTail,
    now,
    retryInSeconds,
  }: { step: VmStatus; logTail: readonly string[]; now: number; retryInSeconds?: number | undefined },
): VmFailure {
  const retryAt = retryInSeconds === undefined ? undefined : new Date(now + retryInSeconds * 1_000).toISOString();
  const times = { at: new Date(now).toISOString(), ...(retryAt !== undefined && { retryAt }) };
  return { step, code, message, ...(exitCode !== undefined && { exitCode }), oomKilled, logTail, ...times };
}

/** Event reasons of failures that end a running app. */
const REASONS: Partial<Record<FailureCode, EventReason>> = {
  APP_SILENT: 'DEADLINE',
  DISK_LIMIT: 'DISK',
  OUT_OF_MEMORY: 'OOM',
  APP_EXITED: 'CRASH',
};

/** The failure that an interrupted `markFailed` wrote in the VM's present status. It may have stopped the app. */
export function findUnfinishedCause({
  lastFailure,
  statusSince,
}: Pick<Vm, 'lastFailure' | 'statusSince'>): FailureCause | undefined {
  if (lastFailure === null || Date.parse(lastFailure.at) < statusSince.getTime()) return undefined;
  const { code, message, exitCode, oomKilled, retryAt } = lastFailure;
  if (!isFailureCode(code)) return undefined;
  const reason = REASONS[code] ?? 'ENGINE';
  return {
    code,
    message,
    reason,
    oomKilled,
    ...(exitCode !== undefined && { exitCode }),
    ...(retryAt === undefined && { isFinal: true }),
  };
}

function isFailureCode(code: string): code is FailureCode {
  return Object.hasOwn(FAILURE_CODES, code);
}

const LONGEST_SECONDS = 60;

/**
 * Seconds until the next try after `attempts` failures in a row: 2, 4, 8, 16, 32, 60, 60, … (15 starts in 10 minutes).
 */
export function backoffSeconds(attempts: number): number {
  return Math.min(LONGEST_SECONDS, 2 ** Math.min(attempts, 10));
}
