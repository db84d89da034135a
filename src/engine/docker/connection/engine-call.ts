import { withDeadline } from '../../../lib/with-deadline.ts';
import type { EngineErrorCode } from '../../engine-error.ts';
import { toEngineError } from './engine-failure.ts';

export interface CallOptions {
  /** Until the call counts as not answered. */
  readonly milliseconds?: number;
  /** The code of a refusal that has no better one. */
  readonly refusal?: EngineErrorCode;
}

/**
 * Does `work`, which talks to the engine and reads its answer, under a deadline. Rejects with the signal's reason when the
 * caller aborted, else always with an EngineError whose message says `what` was asked ('list the containers').
 */
export type EngineCall = <T>(
  what: string,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
  options?: CallOptions,
) => Promise<T>;

export function createEngineCall(endpoint: string, defaultMilliseconds: number): EngineCall {
  return async (what, signal, work, { milliseconds = defaultMilliseconds, refusal = 'ENGINE_REFUSED' } = {}) => {
    try {
      return await withDeadline(milliseconds, signal, work);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw toEngineError(error, { endpoint, what, refusal });
    }
  };
}
