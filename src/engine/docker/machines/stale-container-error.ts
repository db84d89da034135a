import { pauseFor } from '../../../lib/concurrency/pause-for.ts';
import { EngineError } from '../../engine-error.ts';
import { statusOf } from '../connection/engine-failure.ts';

/** A concurrent call changed or removed the container since it was last read. */
export class StaleContainerError extends Error {}

/** Gives the concurrent call time to finish. */
const PAUSES_MILLISECONDS = [20, 100, 300, 1000, 3000];

/** Repeats `attempt` while it throws StaleContainerError. Rejects with ENGINE_REFUSED after the last pause. */
export async function retryWhileStale<T>(signal: AbortSignal, attempt: () => Promise<T>): Promise<T> {
  for (let attempts = 0; ; attempts += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof StaleContainerError)) throw error;
      const pause = PAUSES_MILLISECONDS[attempts];
      if (pause === undefined) throw new EngineError('ENGINE_REFUSED', error.message, { cause: error.cause });
      await pauseFor(pause, signal);
    }
  }
}

/** True if the engine refused because the container is gone or being removed. */
export function isContainerMissing(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (statusOf(error) === 409) return /marked for removal|being removed/i.test(error.message);
  return statusOf(error) === 404 && /no such container/i.test(error.message);
}
