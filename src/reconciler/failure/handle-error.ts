import type { Db } from '../../db/database.ts';
import { EngineError } from '../../engine/engine-error.ts';
import type { ForwardSettings } from '../../vm/networking/port-forward.ts';
import { isBooting, type VmStatus } from '../../vm/vm-status.ts';
import { fail } from './fail.ts';
import { failureKind } from './failure-kind.ts';
import { giveUp } from './give-up.ts';
import { movePort } from '../pass/move-port.ts';
import { isBootOver, setbackSeconds, type Setbacks } from './setbacks.ts';
import type { StepOutcome } from '../pass/step-outcome.ts';
import { awayCause, backoffSeconds, engineCause, isEngineAway, toVmFailure } from './vm-failure.ts';
import { Overtaken, type VmPass } from '../pass/vm-pass.ts';

export interface HandleDependencies {
  readonly db: Db;
  readonly forward: ForwardSettings;
  readonly setbacks: Setbacks;
  /** Whether the region's engine has not answered for so long that nothing can be said of its VMs. */
  readonly isAway: (region: string) => boolean;
}

/** Longer than any grace: a stop that has not come through by then is said to have failed. */
const STOP_PATIENCE_MS = 60_000;

/** What becomes of a pass of which a step, or the look before it, rejected with that error. Rejects with Overtaken when the VM was changed meanwhile. */
export async function handleError(deps: HandleDependencies, pass: VmPass, error: unknown): Promise<StepOutcome> {
  const { vm, signal, writer, log } = pass;
  // Someone changed the desire, or we lost the lease: the next round reads what holds now.
  if (error instanceof Overtaken || signal.aborted) return { kind: 'again' };
  const status = await writer.settled();
  if (failureKind(error, status) !== 'verdict') return breakOff(deps, pass, error, status);
  log.warn({ err: error, status }, 'a step failed');
  if (!vm.enabled) return isStuck(pass, status) ? fail(pass, engineCause(error)) : { kind: 'done', nextInSeconds: backoffSeconds(2) };
  try {
    const isTaken = error instanceof EngineError && error.code === 'PORT_TAKEN';
    if (isTaken && (await movePort(deps.db, pass, deps.forward, error))) return { kind: 'again' };
    return await giveUp(pass, engineCause(error));
  } catch (second) {
    if (second instanceof Overtaken || signal.aborted) return { kind: 'again' };
    // What there is to go back to is not known: looked at again with what the engine then shows.
    return breakOff(deps, pass, second, status);
  }
}

/**
 * Ends a pass of which the VM knows nothing: engine or database did not answer well, or we have a defect. Nothing of the VM is touched, and
 * it is looked at again soon; only what would be on its way for ever is said to have failed in the end.
 */
async function breakOff(deps: HandleDependencies, pass: VmPass, error: unknown, status: VmStatus): Promise<StepOutcome> {
  const { vm, now, writer, log } = pass;
  const setback = deps.setbacks.note(vm.id, vm.generation);
  const nextInSeconds = setbackSeconds(setback);
  const said = { err: error, status, count: setback.count, nextInSeconds };
  if (failureKind(error, status) === 'fault') log.error(said, 'a pass ended with a defect of the gateway; it is tried again');
  else log.warn(said, 'engine or database did not answer well; it is tried again');
  if (deps.isAway(vm.region)) {
    if (isEngineAway(error) && status !== 'UNKNOWN' && status !== 'DELETING') {
      const failure = toVmFailure(awayCause(error, vm.region), { step: status, logTail: [], now: now(), retryInSeconds: nextInSeconds });
      await writer.status('UNKNOWN', 'ENGINE', { last_failure: JSON.stringify(failure) });
    }
    return { kind: 'done', nextInSeconds };
  }
  if (isBooting(status) && isBootOver(setback)) {
    deps.setbacks.clear(vm.id);
    return giveUp(pass, engineCause(error)).catch((second: unknown) => {
      if (second instanceof Overtaken || pass.signal.aborted) throw second;
      return fail(pass, engineCause(error));
    });
  }
  return isStuck(pass, status) ? fail(pass, engineCause(error)) : { kind: 'done', nextInSeconds };
}

function isStuck({ vm, now, distribution }: VmPass, status: VmStatus): boolean {
  const patience = STOP_PATIENCE_MS + (distribution?.stopGraceSeconds ?? 0) * 1_000;
  return status === 'STOPPING' && vm.status === 'STOPPING' && now() - vm.statusSince.getTime() > patience;
}
