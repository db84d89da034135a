import type { IncomingMessage, ServerResponse } from 'node:http';
import { ApiError } from '../errors.ts';
import { requestIdOf } from '../http/request/request-id.ts';
import { sendError } from '../http/response/send-error.ts';

/**
 * Answers an error in the shape of the REST API: `{ error, code, ... }`. Anything but an ApiError is an internal error.
 */
export function sendRestError(request: IncomingMessage, reply: ServerResponse, error: unknown): void {
  const known = error instanceof ApiError ? error : new ApiError('INTERNAL_SERVER_ERROR', undefined, { cause: error });
  const { message, code, details } = known;
  const requestId = code === 'INTERNAL_SERVER_ERROR' && { requestId: requestIdOf(request) };
  sendError(request, reply, known, {
    body: { error: message, code, ...details, ...requestId },
    headers: { 'cache-control': 'no-store' },
  });
}
