import { EngineError } from '../../engine/engine-error.ts';
import { undoOrFail } from '../failure/undo-or-fail.ts';
import { engineCause } from '../failure/vm-failure.ts';
import { AGAIN, type StepOutcome } from '../iteration/step-outcome.ts';
import type { VmIteration } from '../iteration/vm-iteration.ts';

const MAX_REPLACEMENTS = 5;

/**
 * Removes a container that shares its address with another: what answers there may be the other's app. The next plan
 * creates it again, with another address. If the engine keeps assigning duplicates, the start has failed.
 */
export async function replaceDuplicateAddress(iteration: VmIteration): Promise<StepOutcome> {
  const { vm, driver, signal, writer, log } = iteration;
  if (vm.attempts >= MAX_REPLACEMENTS) {
    const message =
      'The engine keeps giving the container the address of another. The operator should restart the engine.';
    return undoOrFail(iteration, engineCause(new EngineError('START_FAILED', message)));
  }
  log.warn('another container has the same address; replacing the container');
  await writer.setStatus('QUEUED', 'ENGINE', { attempts: vm.attempts + 1 });
  await driver.stop(vm.id, signal);
  await driver.remove(vm.id, [], signal);
  return AGAIN;
}
