import type { Db } from '../../db/database.ts';
import { EngineError } from '../../engine/engine-error.ts';
import type { ForwardSettings } from '../../vm/networking/port-forward.ts';
import { isBooting, type VmStatus } from '../../vm/vm-status.ts';
import { failureKind } from './failure-kind.ts';
import { markFailed } from './mark-failed.ts';
import { isBootOver, setbackSeconds, type Setbacks } from './setbacks.ts';
import { undoOrFail } from './undo-or-fail.ts';
import { awayCause, backoffSeconds, engineCause, isEngineAway, isNodeLost, toVmFailure } from './vm-failure.ts';
import { movePort } from '../iteration/move-port.ts';
import { AGAIN, type StepOutcome } from '../iteration/step-outcome.ts';
import type { VmIteration } from '../iteration/vm-iteration.ts';
import { LeaseLostError } from '../iteration/vm-writer.ts';

export interface HandleDependencies {
  readonly db: Db;
  readonly forward: ForwardSettings;
  readonly setbacks: Pick<Setbacks, 'note' | 'clear'>;
  /** Whether the region's engine has been silent for so long that nothing is known of its VMs. */
  readonly isAway: (region: string) => boolean;
}

/** Longer than any stop grace. A stop that takes longer has failed. */
const STOP_PATIENCE_MS = 60_000;

/**
 * Decides what follows from an error of an iteration: the VM fails, its change is undone, or it is tried again. Rejects
 * with LeaseLostError when the VM was changed meanwhile.
 */
export async function handleError(
  deps: HandleDependencies,
  iteration: VmIteration,
  error: unknown,
): Promise<StepOutcome> {
  const { vm, signal, writer, log } = iteration;
  if (error instanceof LeaseLostError || signal.aborted) return AGAIN;
  const status = await writer.settledStatus();
  // A VM that is up leaves the node, too.
  if (vm.enabled && error instanceof EngineError && error.code === 'NODE_DRAINED')
    return markFailed(iteration, engineCause(error));
  if (failureKind(error, status) !== 'verdict') return retryLater(deps, iteration, error, status);
  log.warn({ err: error, status }, 'a step failed');
  if (!vm.enabled)
    return isStuck(iteration, status) ? markFailed(iteration, engineCause(error)) : retryIn(backoffSeconds(2));
  try {
    const isTaken = error instanceof EngineError && error.code === 'PORT_TAKEN';
    if (isTaken && (await movePort(deps.db, iteration, deps.forward, error))) return AGAIN;
    return await undoOrFail(iteration, engineCause(error));
  } catch (second) {
    if (second instanceof LeaseLostError || signal.aborted) return AGAIN;
    // It is not known whether there is a container to go back to. The next iteration observes it.
    return retryLater(deps, iteration, second, status);
  }
}

/**
 * Ends an iteration whose error says nothing about the VM: an outage of engine or database, or our bug. The VM stays as
 * it is and is tried again soon. Only a boot or a stop that meets nothing else for too long fails in the end.
 */
async function retryLater(
  deps: HandleDependencies,
  iteration: VmIteration,
  error: unknown,
  status: VmStatus,
): Promise<StepOutcome> {
  const { vm, now, writer, log, signal } = iteration;
  const setback = deps.setbacks.note(vm.id, vm.generation);
  const nextInSeconds = setbackSeconds(setback);
  const details = { err: error, status, count: setback.count, nextInSeconds };
  if (failureKind(error, status) === 'fault')
    log.error(details, 'an iteration failed because of a bug in the gateway; trying again');
  else log.warn(details, 'the engine or the database failed; trying again');
  if (isNodeLost(error) || deps.isAway(vm.region)) {
    if ((isNodeLost(error) || isEngineAway(error)) && status !== 'UNKNOWN' && status !== 'DELETING') {
      const failure = toVmFailure(awayCause(error, vm.region), {
        step: status,
        logTail: [],
        now: now(),
        retryInSeconds: nextInSeconds,
      });
      const shown = vm.lastFailure === null ? failure : { ...failure, before: vm.lastFailure };
      await writer.setStatus('UNKNOWN', 'ENGINE', { last_failure: JSON.stringify(shown) });
    }
    return retryIn(nextInSeconds);
  }
  if (isBooting(status) && isBootOver(setback)) {
    deps.setbacks.clear(vm.id);
    return undoOrFail(iteration, engineCause(error)).catch((second: unknown) => {
      if (second instanceof LeaseLostError || signal.aborted) throw second;
      return markFailed(iteration, engineCause(error));
    });
  }
  return isStuck(iteration, status) ? markFailed(iteration, engineCause(error)) : retryIn(nextInSeconds);
}

function retryIn(nextInSeconds: number): StepOutcome {
  return { kind: 'done', nextInSeconds };
}

function isStuck({ vm, now, distribution }: VmIteration, status: VmStatus): boolean {
  const patience = STOP_PATIENCE_MS + (distribution?.stopGraceSeconds ?? 0) * 1_000;
  return status === 'STOPPING' && vm.status === 'STOPPING' && now() - vm.statusSince.getTime() > patience;
}
