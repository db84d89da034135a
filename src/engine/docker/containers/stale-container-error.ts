import { pauseFor } from '../../../lib/pause-for.ts';
import { EngineError } from '../../engine-error.ts';
import { statusOf } from '../connection/engine-failure.ts';

/** Someone else changed what we had just looked at: look again. */
export class StaleContainerError extends Error {}

/** Before looking again at what another call is changing: it may be in the middle of it. */
const PAUSES_MILLISECONDS = [20, 100, 300, 1000, 3000];

/** Does `attempt` until it is not overtaken; rejects with ENGINE_REFUSED when it is each time. */
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

/** True when the engine refused because the container is gone, or going. */
export function isContainerMissing(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (statusOf(error) === 409) return /marked for removal|being removed/i.test(error.message);
  return statusOf(error) === 404 && /no such container/i.test(error.message);
}
