import { SpanKind } from '@opentelemetry/api';
import { withDeadline } from '../../../lib/concurrency/with-deadline.ts';
import type { EngineErrorCode } from '../../engine-error.ts';
import { inChildSpan } from '../../../tracing.ts';
import { toEngineError } from './engine-failure.ts';

export interface CallOptions {
  /** Deadline of the call. */
  readonly milliseconds?: number;
  /** Error code of refusals without a more specific one. */
  readonly refusal?: EngineErrorCode;
}

/**
 * Runs `work`, which calls the engine and reads its answer, with a deadline. Rejects with the signal's reason if the
 * caller aborted, otherwise with an EngineError whose message contains `what` ('list the containers').
 */
export type EngineCall = <T>(
  what: string,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
  options?: CallOptions,
) => Promise<T>;

export function createEngineCall(endpoint: string, defaultMilliseconds: number): EngineCall {
  return (what, signal, work, { milliseconds = defaultMilliseconds, refusal = 'ENGINE_REFUSED' } = {}) =>
    inChildSpan(spanName(what), { kind: SpanKind.CLIENT }, async () => {
      try {
        return await withDeadline(milliseconds, signal, work);
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        throw toEngineError(error, { endpoint, what, refusal });
      }
    });
}

/** Without the names in quotes: each name of a span is a group in every tracing tool. */
function spanName(what: string): string {
  return `engine: ${what.replaceAll(/ "[^"]*"/g, '')}`;
}
