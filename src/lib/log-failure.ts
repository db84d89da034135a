import { ApiError, type ErrorCode } from '../errors.ts';
import type { Log } from '../log.ts';
import { measures } from '../measures.ts';

export interface FailedRequest {
  readonly requestId: string;
  /** The REST route, or the name of the GraphQL operation. */
  readonly operation?: string | undefined;
  readonly code: ErrorCode;
}

/**
 * Counts a failed request, and logs it in one line. Only internal errors are at error level, with their stack. The
 * others are at debug level: clients can cause them without limit, and outages have lines of their own.
 */
export function logFailure(log: Log, request: FailedRequest, cause: unknown): void {
  measures.requestErrors.inc({ code: request.code });
  if (request.code === 'INTERNAL_SERVER_ERROR') log.error({ ...request, err: cause }, 'a request failed');
  else log.debug(request, 'a request was refused');
}

/** The code that clients receive for an error. */
export function codeOf(error: unknown): ErrorCode {
  return error instanceof ApiError ? error.code : 'INTERNAL_SERVER_ERROR';
}
