import type { IncomingMessage } from 'node:http';
import type { ApiError } from '../../errors.ts';
import { hasBody } from '../request/request-target.ts';
import { MethodNotAllowedError } from './method-not-allowed.ts';

const UNAVAILABLE_SECONDS = 2;

/** The headers that tell a client how to proceed after an error. */
export function errorHeaders(
  error: ApiError,
  request: Pick<IncomingMessage, 'headers' | 'complete'>,
): Record<string, string> {
  const { code, details } = error;
  return {
    ...(code === 'UNAUTHENTICATED' && { 'www-authenticate': 'Bearer' }),
    ...(code === 'RATE_LIMITED' && { 'retry-after': String(details.retryAfterSeconds ?? 1) }),
    ...(code === 'UNAVAILABLE' && { 'retry-after': String(UNAVAILABLE_SECONDS) }),
    ...(code === 'UNSUPPORTED_MEDIA_TYPE' && { 'accept-post': 'application/json', 'accept-encoding': 'identity' }),
    ...(error instanceof MethodNotAllowedError && { allow: error.allowed.join(', ') }),
    // The rest of the body stays unread: the connection cannot be reused, and a slow sender must not keep it open.
    ...(!request.complete && hasBody(request) && { connection: 'close' }),
  };
}
