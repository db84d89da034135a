import type { IncomingMessage } from 'node:http';
import type { ApiError } from '../errors.ts';

const UNAVAILABLE_SECONDS = 2;

/** The headers that tell a client what to do about an error. */
export function errorHeaders({ code, details }: ApiError, request: Pick<IncomingMessage, 'headers' | 'complete'>): Record<string, string> {
  return {
    ...(code === 'UNAUTHENTICATED' && { 'www-authenticate': 'Bearer' }),
    ...(code === 'RATE_LIMITED' && { 'retry-after': String(details.retryAfterSeconds ?? 1) }),
    ...(code === 'UNAVAILABLE' && { 'retry-after': String(UNAVAILABLE_SECONDS) }),
    // What is left of a body is not read: the connection cannot be used again, and whoever trickles it does not keep it.
    ...(isUnread(request) && { connection: 'close' }),
  };
}

function isUnread({ headers, complete }: Pick<IncomingMessage, 'headers' | 'complete'>): boolean {
  return !complete && (headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0);
}
