import type { IncomingMessage, ServerResponse } from 'node:http';
import { httpStatusOf, type ApiError } from '../../errors.ts';
import { errorHeaders } from './error-headers.ts';
import { sendJson } from './send-response.ts';

interface ErrorReply {
  /** The error in the shape of the API that answers. */
  readonly body: object;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Answers an error. A response that has already begun is cut, because a clean end would make it look complete. */
export function sendError(
  request: IncomingMessage,
  reply: ServerResponse,
  error: ApiError,
  { body, headers }: ErrorReply,
): void {
  if (reply.headersSent) reply.destroy();
  else sendJson(reply, httpStatusOf(error.code), body, { ...headers, ...errorHeaders(error, request) });
}
