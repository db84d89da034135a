import { measures } from '../../measures.ts';
import { markFailed } from './mark-failed.ts';
import { canUndo } from '../plan/next-steps.ts';
import { readLogTail } from './read-log-tail.ts';
import { AGAIN, type StepOutcome } from '../iteration/step-outcome.ts';
import { toVmFailure, undoneCause, type FailureCause } from './vm-failure.ts';
import type { VmIteration } from '../iteration/vm-iteration.ts';

/**
 * Handles a VM that does not come up. If the container from before its change still exists, the change is undone: this
 * writes `undone_hash` and the next plan performs it, so a crash in between changes nothing. Any other VM is FAILED.
 */
export async function undoOrFail(iteration: VmIteration, cause: FailureCause): Promise<StepOutcome> {
  const { vm, now, spec, driver, signal, writer, log } = iteration;
  if (spec === undefined) return markFailed(iteration, cause);
  const { answeredHash, undoneHash } = vm;
  const observed = await driver.observe(vm.id, signal);
  if (!canUndo({ hash: spec.hash, answeredHash, undoneHash }, observed)) return markFailed(iteration, cause);
  // The log of the container from before the change would mislead.
  const logTail = observed?.hash === spec.hash ? await readLogTail({ ...iteration, observed }) : [];
  const step = await writer.settledStatus();
  if (signal.aborted) return AGAIN;
  const failure = toVmFailure(undoneCause(cause), { step, logTail, now: now() });
  measures.vmFailures.inc({ code: cause.code });
  log.warn({ code: cause.code, exitCode: cause.exitCode }, 'undoing a change of the VM');
  const set = { last_failure: JSON.stringify(failure), undone_hash: spec.hash };
  await (step === 'QUEUED' ? writer.announce('UNDO', set) : writer.setStatus('QUEUED', 'UNDO', set));
  return AGAIN;
}
