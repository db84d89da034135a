import type { StepOutcome } from './pass/step-outcome.ts';
import type { VmPass } from './pass/vm-pass.ts';

/** An engine that goes on giving one address twice is left to the boot's deadline. */
const MAX_REPLACED = 5;

/** Removes the container of a VM whose address another container has too, and at which no app answers; the next look makes it anew. */
export async function replaceGhost({ vm, driver, signal, writer, log }: VmPass): Promise<StepOutcome> {
  if (vm.attempts >= MAX_REPLACED) return { kind: 'again' };
  log.warn('another container has the address of this one, and no app answers there: it is replaced');
  await writer.status('QUEUED', 'ENGINE', { attempts: vm.attempts + 1 });
  await driver.stop(vm.id, signal);
  await driver.remove(vm.id, [], signal);
  return { kind: 'again' };
}
