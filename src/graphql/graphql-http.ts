import type { IncomingMessage, ServerResponse } from 'node:http';
import { bearerOf, type VerifyToken } from '../auth/jwt.ts';
import type { Viewer } from '../auth/viewer.ts';
import { ApiError, httpStatusOf } from '../errors.ts';
import { readBody } from '../lib/read-body.ts';
import { sendJson, sendResponse } from '../lib/send-response.ts';
import type { Gateway } from './gateway.ts';

const MAX_BODY_BYTES = 256 * 1024;
/** setTimeout's longest. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * GraphQL over HTTP and SSE: verifies the token, takes JSON only (other types can be sent across sites without a
 * preflight), bounds the body, and ends a stream when its token does.
 */
export function createGraphqlHttp(options: { gateway: Gateway; verifyToken: VerifyToken; graphiql: boolean }) {
  const { gateway, verifyToken, graphiql } = options;
  return async (request: IncomingMessage, reply: ServerResponse): Promise<void> => {
    const leaving = new AbortController();
    reply.once('close', () => leaving.abort());
    let expiry: NodeJS.Timeout | undefined;
    try {
      const page = graphiql && request.method === 'GET' && (request.headers.accept ?? '').includes('text/html');
      const viewer = page ? undefined : await verifyToken(bearerOf(request.headers.authorization));
      const init = { method: request.method ?? 'GET', headers: headersOf(request), signal: leaving.signal };
      const body = request.method === 'POST' ? await readJsonBody(request) : undefined;
      const url = new URL(request.url ?? '/', 'http://gateway');
      const response = await gateway.fetch(new Request(url, body === undefined ? init : { ...init, body }), viewer);
      if (viewer !== undefined) expiry = endAt(viewer, reply);
      await sendResponse(reply, response);
    } catch (error) {
      sendError(reply, error);
    } finally {
      clearTimeout(expiry);
    }
  };
}

async function readJsonBody(request: IncomingMessage): Promise<string> {
  const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json') throw new ApiError('UNSUPPORTED_MEDIA_TYPE');
  return (await readBody(request, MAX_BODY_BYTES)).toString('utf8');
}

function headersOf({ headers }: IncomingMessage): [string, string][] {
  const kept = ['accept', 'content-type', 'last-event-id'] as const;
  return kept.flatMap((name) => {
    const value = headers[name];
    return typeof value === 'string' ? [[name, value]] : [];
  });
}

function endAt({ expiresAt }: Viewer, reply: ServerResponse): NodeJS.Timeout {
  const timer = setTimeout(() => reply.end(), Math.min(Math.max(0, expiresAt - Date.now()), MAX_TIMER_MS));
  return timer.unref();
}

function sendError(reply: ServerResponse, error: unknown): void {
  if (reply.headersSent) {
    reply.destroy();
    return;
  }
  const api = error instanceof ApiError ? error : new ApiError('INTERNAL_SERVER_ERROR', undefined, { cause: error });
  const headers: Record<string, string> = api.code === 'UNAUTHENTICATED' ? { 'www-authenticate': 'Bearer' } : {};
  // The rest of a refused body is not read: the connection cannot be used again.
  if (api.code === 'PAYLOAD_TOO_LARGE') headers['connection'] = 'close';
  const body = { errors: [{ message: api.message, extensions: { code: api.code, ...api.details } }] };
  sendJson(reply, httpStatusOf(api.code), body, headers);
}
