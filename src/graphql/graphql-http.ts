import type { IncomingMessage, ServerResponse } from 'node:http';
import { bearerOf, type VerifyToken } from '../auth/jwt.ts';
import type { Viewer } from '../auth/viewer.ts';
import { ApiError, badInput, httpStatusOf, type FieldProblem } from '../errors.ts';
import { parseJsonObject } from '../lib/json.ts';
import { readBody } from '../lib/read-body.ts';
import { sendJson, sendResponse } from '../lib/send-response.ts';
import type { Asker } from './context.ts';
import type { Gateway, OperationRequest } from './gateway.ts';
import { serveSse } from './graphql-sse.ts';

const MAX_BODY_BYTES = 256 * 1024;
/** setTimeout's longest. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * GraphQL over HTTP and SSE: verifies the token, takes JSON only (other types can be sent across sites without a
 * preflight), bounds the body, and ends a stream when its token does.
 */
export function createGraphqlHttp(options: {
  gateway: Gateway;
  verifyToken: VerifyToken;
  addressOf: (request: IncomingMessage) => string;
  graphiql: boolean;
}) {
  const { gateway, verifyToken, addressOf, graphiql } = options;

  const answer = async (request: IncomingMessage, reply: ServerResponse, asker: Asker | undefined): Promise<void> => {
    const leaving = new AbortController();
    reply.once('close', () => {
      // Only of a client that left: an AbortError at every normal end would cost a stack trace each.
      if (!reply.writableFinished) leaving.abort();
    });
    const init = { method: request.method ?? 'GET', headers: headersOf(request), signal: leaving.signal };
    const body = request.method === 'POST' ? await readJsonBody(request) : undefined;
    const url = new URL(request.url ?? '/', 'http://gateway');
    await sendResponse(reply, await gateway.fetch(new Request(url, body === undefined ? init : { ...init, body }), asker));
  };

  const stream = async (request: IncomingMessage, reply: ServerResponse, asker: Asker): Promise<void> => {
    const expiry = endAt(asker.viewer, reply);
    reply.once('close', () => clearTimeout(expiry));
    const operation = request.method === 'POST' ? parseOperation(await readJsonBody(request)) : operationOfQuery(request.url);
    const lastEventId = request.headers['last-event-id'];
    await serveSse(gateway, reply, operation, {
      asker,
      mayMutate: request.method === 'POST',
      lastEventId: typeof lastEventId === 'string' ? lastEventId : undefined,
    });
  };

  return async (request: IncomingMessage, reply: ServerResponse): Promise<void> => {
    const accept = request.headers.accept ?? '';
    try {
      if (graphiql && request.method === 'GET' && accept.includes('text/html')) return await answer(request, reply, undefined);
      const asker = { viewer: await verifyToken(bearerOf(request.headers.authorization)), from: addressOf(request) };
      const wantsStream = accept.includes('text/event-stream') && (request.method === 'POST' || request.method === 'GET');
      await (wantsStream ? stream(request, reply, asker) : answer(request, reply, asker));
    } catch (error) {
      sendError(reply, error);
    }
  };
}

/** A GraphQL request as JSON writes it; BAD_USER_INPUT for anything else. */
function parseOperation(body: string): OperationRequest {
  const { query, variables, operationName } = parseJsonObject(body);
  return toOperation(query, variables, operationName);
}

function operationOfQuery(url: string | undefined): OperationRequest {
  const search = new URLSearchParams((url ?? '').split('?')[1]);
  const variables = search.get('variables');
  return toOperation(search.get('query'), variables === null ? undefined : parseJsonObject(variables), search.get('operationName'));
}

function toOperation(query: unknown, variables: unknown, operationName: unknown): OperationRequest {
  const isObject = typeof variables === 'object' && !Array.isArray(variables);
  const fields: FieldProblem[] = [
    ...(typeof query === 'string' && query !== '' ? [] : [{ path: 'query', message: 'must be a GraphQL document.' }]),
    ...(variables === undefined || isObject ? [] : [{ path: 'variables', message: 'must be an object.' }]),
    ...(operationName == null || typeof operationName === 'string' ? [] : [{ path: 'operationName', message: 'must be a text.' }]),
  ];
  if (fields.length > 0 || typeof query !== 'string') throw badInput(fields);
  return {
    query,
    variables: isObject ? (variables as Record<string, unknown> | null) : undefined,
    operationName: typeof operationName === 'string' ? operationName : undefined,
  };
}

async function readJsonBody(request: IncomingMessage): Promise<string> {
  const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json') throw new ApiError('UNSUPPORTED_MEDIA_TYPE');
  return (await readBody(request, MAX_BODY_BYTES)).toString('utf8');
}

function headersOf({ headers }: IncomingMessage): [string, string][] {
  const kept = ['accept', 'content-type'] as const;
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
