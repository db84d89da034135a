import { fail } from './fail.ts';
import { canUndo } from '../plan/next-steps.ts';
import { readLogTail } from './read-log-tail.ts';
import type { StepOutcome } from '../pass/step-outcome.ts';
import { toVmFailure, undoneCause, type FailureCause } from './vm-failure.ts';
import type { VmPass } from '../pass/vm-pass.ts';

/**
 * What becomes of a VM that does not come up. A change of a VM whose container from before is still there is undone: written first,
 * so that whoever looks next goes back, and only then done, by the next plan. Any other has failed.
 */
export async function giveUp(pass: VmPass, cause: FailureCause): Promise<StepOutcome> {
  const { vm, now, spec, driver, signal, writer, log } = pass;
  if (spec === undefined) return fail(pass, cause);
  const { answeredHash, undoneHash } = vm;
  const seen = await driver.observe(vm.id, signal);
  if (!canUndo({ hash: spec.hash, answeredHash, undoneHash }, seen)) return fail(pass, cause);
  // Those of the container from before would only mislead.
  const logTail = seen?.hash === spec.hash ? await readLogTail({ ...pass, observed: seen }) : [];
  const step = await writer.settled();
  if (signal.aborted) return { kind: 'again' };
  const failure = toVmFailure(undoneCause(cause), { step, logTail, now: now() });
  log.warn({ code: cause.code, exitCode: cause.exitCode }, 'a change of the VM is undone');
  const set = { last_failure: JSON.stringify(failure), undone_hash: spec.hash };
  await (step === 'QUEUED' ? writer.announce('UNDO', set) : writer.status('QUEUED', 'UNDO', set));
  return { kind: 'again' };
}
