import { AGAIN, type StepOutcome } from '../iteration/step-outcome.ts';
import type { VmIteration } from '../iteration/vm-iteration.ts';

/** If the engine keeps assigning duplicate addresses, the boot ends by its deadline. */
const MAX_REPLACEMENTS = 5;

/** Removes a container that shares its address with another, as its app does not answer. The next plan recreates it. */
export async function replaceDuplicateAddress({ vm, driver, signal, writer, log }: VmIteration): Promise<StepOutcome> {
  if (vm.attempts >= MAX_REPLACEMENTS) return AGAIN;
  log.warn('another container has the same address, and the app does not answer: the container is replaced');
  await writer.setStatus('QUEUED', 'ENGINE', { attempts: vm.attempts + 1 });
  await driver.stop(vm.id, signal);
  await driver.remove(vm.id, [], signal);
  return AGAIN;
}
