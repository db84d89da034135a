import { ApiError, type ErrorCode } from '../errors.ts';
import type { Log } from '../log.ts';

export interface FailedRequest {
  readonly requestId: string;
  /** What was asked for: a REST route, or the name of a GraphQL operation. */
  readonly operation?: string | undefined;
  readonly code: ErrorCode;
}

/**
 * Writes the one line of a request that failed. Only a fault of ours is an error, with its stack. All else is at debug level: clients can
 * bring it about as often as they like, and an outage has its own line.
 */
export function logFailure(log: Log, request: FailedRequest, cause: unknown): void {
  if (request.code === 'INTERNAL_SERVER_ERROR') log.error({ ...request, err: cause }, 'a request failed');
  else log.debug(request, 'a request was refused');
}

/** The code that a client meets an error with. */
export function codeOf(error: unknown): ErrorCode {
  return error instanceof ApiError ? error.code : 'INTERNAL_SERVER_ERROR';
}
