import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { outlivesStop } from '../../vm/vm-image.ts';
import { markFailed } from '../failure/mark-failed.ts';
import { undoOrFail } from '../failure/undo-or-fail.ts';
import { exitedCause, findUnfinishedCause } from '../failure/vm-failure.ts';
import { AGAIN, NEXT, type StepOutcome } from '../iteration/step-outcome.ts';
import type { VmIteration } from '../iteration/vm-iteration.ts';
import { NO_IMAGE } from '../plan/image-update.ts';
import type { StepArgs } from '../plan/next-steps.ts';

/** An engine may report an out-of-memory event a moment after the exit that it caused. */
const OOM_EVENT_MS = 250;

export async function stop({ driver, vm, signal }: VmIteration): Promise<StepOutcome> {
  await driver.stop(vm.id, signal);
  return NEXT;
}

export async function remove(
  { driver, vm, signal }: VmIteration,
  { volumes }: StepArgs['remove'],
): Promise<StepOutcome> {
  await driver.remove(vm.id, volumes, signal);
  return NEXT;
}

/** Writes STOPPED. Clears what belongs to the container that is gone. */
export async function rest({ vm, writer }: VmIteration): Promise<StepOutcome> {
  await writer.setStatus('STOPPED', 'USER', {
    ...(!outlivesStop(vm) && NO_IMAGE),
    engine_ref: null,
    address: null,
    node: null,
    answered_hash: null,
    undone_hash: null,
    started_at: null,
    last_failure: null,
    attempts: 0,
    scratch_bytes: 0,
    observed_at: sql<Date>`now()`,
  });
  return AGAIN;
}

export async function failExited(
  iteration: VmIteration,
  { exitCode, oomKilled }: StepArgs['failExited'],
): Promise<StepOutcome> {
  const { driver, vm, signal } = iteration;
  const unfinished = findUnfinishedCause(vm);
  if (unfinished !== undefined) return markFailed(iteration, unfinished);
  if (oomKilled || exitCode === 0) return undoOrFail(iteration, exitedCause(exitCode, oomKilled, vm.ramGb));
  await delay(OOM_EVENT_MS, undefined, { signal });
  const observed = await driver.observe(vm.id, signal);
  return undoOrFail(iteration, exitedCause(exitCode, observed?.oomKilled ?? false, vm.ramGb));
}
