import type Docker from 'dockerode';
import type { EngineCall } from '../connection/engine-call.ts';
import { expectNoContent } from '../connection/expect-no-content.ts';
import { statusOf } from '../connection/engine-failure.ts';
import { isContainerMissing, StaleContainerError } from './stale-container-error.ts';
import { finishDespiteAbort } from '../connection/finish-despite-abort.ts';

const START_MILLISECONDS = 60_000;

interface BringUpTools {
  readonly docker: Docker;
  readonly call: EngineCall;
}

/**
 * Starts or resumes the container, depending on its last observed state. "Already so" is success. Throws
 * StaleContainerError if it has been removed or changed since, and an EngineError if it does not start.
 */
export async function bringUp(
  { docker, call }: BringUpTools,
  { id, ref, state }: { id: string; ref: string; state: string },
  signal: AbortSignal,
): Promise<void> {
  if (state === 'running' || state === 'restarting') return;
  const container = docker.getContainer(ref);
  if (state === 'paused') {
    try {
      await call('unpause a container', signal, (abortSignal) => expectNoContent(container.unpause({ abortSignal })));
    } catch (error) {
      // No longer paused, or gone.
      if (![404, 409, 500].includes(statusOf(error) ?? 0)) throw error;
      throw new StaleContainerError(`The container of machine ${id} could not be resumed.`, { cause: error });
    }
    return;
  }
  try {
    const limits = { milliseconds: START_MILLISECONDS, refusal: 'START_FAILED' } as const;
    const start = (abortSignal: AbortSignal) => expectNoContent(container.start({ abortSignal }));
    await finishDespiteAbort(signal, (late) => call('start a container', late, start, limits));
  } catch (error) {
    if (statusOf(error) === 304) return;
    if (isContainerMissing(error))
      throw new StaleContainerError(`The container of machine ${id} was removed before its start.`, { cause: error });
    throw error;
  }
}
