import { measures } from '../../measures.ts';
import { readLogTail } from './read-log-tail.ts';
import { AGAIN, type StepOutcome } from '../iteration/step-outcome.ts';
import { backoffSeconds, toVmFailure, type FailureCause } from './vm-failure.ts';
import type { VmIteration } from '../iteration/vm-iteration.ts';

/** An app that ran this long is not in a crash loop. */
const STABLE_MS = 60_000;

/** Stops what still runs of the VM, then writes FAILED with the failure and the time of the next try. */
export async function markFailed(iteration: VmIteration, cause: FailureCause): Promise<StepOutcome> {
  const { vm, now, writer, signal, log } = iteration;
  const step = await writer.settledStatus();
  // An app that ran this long was well, whatever happened since: its next failure counts as the first.
  const isStable = vm.startedAt !== null && now() - vm.startedAt.getTime() > STABLE_MS;
  const attempts = isStable ? 1 : vm.attempts + 1;
  const nextInSeconds = cause.isFinal === true ? undefined : backoffSeconds(attempts);
  const toFailure = (logTail: readonly string[]): string =>
    JSON.stringify(toVmFailure(cause, { step, logTail, now: now(), retryInSeconds: nextInSeconds }));
  // Written before the stop: if this gateway dies in between, the next one must not take the stopped app for one that
  // exited. A VM whose failure cannot be written is not stopped.
  if (vm.enabled) await writer.updateSilently({ last_failure: toFailure([]) });
  await stopContainer(iteration);
  if (signal.aborted) return AGAIN;
  const failure = toFailure(await readLogTail(iteration));
  measures.vmFailures.inc({ code: cause.code });
  log.warn({ code: cause.code, exitCode: cause.exitCode, attempts, nextInSeconds }, 'the VM failed');
  await writer.setStatus('FAILED', cause.reason, {
    last_failure: failure,
    attempts,
    started_at: null,
    address: null,
    node: null,
    // After an undo the container with this hash is what is tried again: its environment is stored nowhere else.
    ...(vm.undoneHash === null && { answered_hash: null }),
  });
  return nextInSeconds === undefined ? { kind: 'done' } : { kind: 'done', nextInSeconds };
}

/** Stops a silent app, or the container from before a failed update. Does nothing if the stop itself has failed. */
async function stopContainer({ driver, vm, signal, log }: VmIteration): Promise<void> {
  if (!vm.enabled) return;
  try {
    await driver.stop(vm.id, signal);
  } catch (error) {
    // The list that EngineWatch reads every 10 s shows containers of FAILED VMs, and the stop is tried again.
    if (!signal.aborted) log.warn({ err: error }, 'failed to stop the container of a failed VM');
  }
}
