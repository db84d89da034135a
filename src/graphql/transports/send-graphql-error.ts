import type { IncomingMessage, ServerResponse } from 'node:http';
import { ApiError } from '../../errors.ts';
import { requestIdOf } from '../../http/request/request-id.ts';
import { sendError } from '../../http/response/send-error.ts';
import { errorTypeOf } from './response-type.ts';

/**
 * Answers an error of a request to the GraphQL endpoint that has no operation to belong to, as a result of GraphQL in
 * the media type that the client prefers. Anything but an ApiError is an internal error.
 */
export function sendGraphqlError(request: IncomingMessage, reply: ServerResponse, error: unknown): void {
  const known = error instanceof ApiError ? error : new ApiError('INTERNAL_SERVER_ERROR', undefined, { cause: error });
  const { message, code, details } = known;
  const requestId = code === 'INTERNAL_SERVER_ERROR' && { requestId: requestIdOf(request) };
  sendError(request, reply, known, {
    body: { errors: [{ message, extensions: { code, ...details, ...requestId } }] },
    headers: { 'content-type': errorTypeOf(request) },
  });
}
