import { readLogTail } from './read-log-tail.ts';
import type { StepOutcome } from '../pass/step-outcome.ts';
import { backoffSeconds, toVmFailure, type FailureCause } from './vm-failure.ts';
import type { VmPass } from '../pass/vm-pass.ts';

/** An app that ran this long is no crash loop. */
const STABLE_MS = 60_000;

/** Ends whatever still runs of the VM, then writes FAILED with its explanation and when it is tried again. */
export async function fail(pass: VmPass, cause: FailureCause): Promise<StepOutcome> {
  const { vm, now, writer, signal, log } = pass;
  const step = await writer.settled();
  // Whatever became of it since: an app that ran this long was well, and its next failure is a first one.
  const stable = vm.startedAt !== null && now() - vm.startedAt.getTime() > STABLE_MS;
  const attempts = stable ? 1 : vm.attempts + 1;
  const nextInSeconds = cause.isFinal === true ? undefined : backoffSeconds(attempts);
  const toFailure = (logTail: readonly string[]): string =>
    JSON.stringify(toVmFailure(cause, { step, logTail, now: now(), retryInSeconds: nextInSeconds }));
  // First: whoever goes on after a cut must not take what is stopped next for an app that ended, and nothing is stopped that cannot be told.
  if (vm.enabled) await writer.quietly({ last_failure: toFailure([]) });
  await endWhatRuns(pass);
  if (signal.aborted) return { kind: 'again' };
  const failure = toFailure(await readLogTail(pass));
  log.warn({ code: cause.code, exitCode: cause.exitCode, attempts, nextInSeconds }, 'the VM failed');
  await writer.status('FAILED', cause.reason, {
    last_failure: failure,
    attempts,
    started_at: null,
    address: null,
    // What runs in place of a change that was undone stays what is tried: its environment is stored nowhere else.
    ...(vm.undoneHash === null && { answered_hash: null }),
  });
  return nextInSeconds === undefined ? { kind: 'done' } : { kind: 'done', nextInSeconds };
}

/** A silent app, or the container from before an update that failed. Not that of a VM whose stop is what fails. */
async function endWhatRuns({ driver, vm, signal, log }: VmPass): Promise<void> {
  if (!vm.enabled) return;
  try {
    await driver.stop(vm.id, signal);
  } catch (error) {
    // The list that the engine is asked for every 10 s shows what runs of a FAILED VM, and it is tried again.
    if (!signal.aborted) log.warn({ err: error }, 'what is left of a failed VM could not be stopped');
  }
}
