import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AccountSockets } from '../../auth/account-sockets.ts';
import type { Authenticate } from '../../auth/authenticate.ts';
import type { Viewer } from '../../audit/viewer.ts';
import { ApiError, badInput, httpStatusOf, type FieldProblem } from '../../errors.ts';
import { errorHeaders } from '../../http/error-headers.ts';
import { logFailure } from '../../lib/log-failure.ts';
import { requestIdOf } from '../../http/request-id.ts';
import { decodeText, parseJsonObject, type JsonObject } from '../../http/json.ts';
import { readBody } from '../../http/read-body.ts';
import { sendJson, sendResponse } from '../../http/send-response.ts';
import type { Log } from '../../log.ts';
import type { Asker } from '../schema/context.ts';
import { GRAPHQL_PATH, type Gateway, type OperationRequest } from '../pipeline/gateway.ts';
import { serveSse } from './graphql-sse.ts';
import type { PersistedOperations } from '../pipeline/persisted-operations.ts';

const MAX_BODY_BYTES = 256 * 1024;
/** setTimeout's longest. */
const MAX_TIMER_MS = 2 ** 31 - 1;

interface GraphqlHttpOptions {
  readonly gateway: Gateway;
  /** The gateway is ending: no event stream begins, and those that run end. */
  readonly closing: AbortSignal;
  readonly authenticate: Authenticate;
  /** An account's live connections: a stream is one like a WebSocket. */
  readonly sockets: AccountSockets;
  readonly persisted: PersistedOperations | undefined;
  readonly graphiql: boolean;
  readonly log: Log;
}

/**
 * GraphQL over HTTP and SSE: verifies the token, takes JSON only (other types can be sent across sites without a
 * preflight), bounds the body, and ends a stream when its token does. Rejects with what is no fault of the request.
 */
export function createGraphqlHttp({ gateway, closing, authenticate, sockets, persisted, graphiql, log }: GraphqlHttpOptions) {
  const answer = async (request: IncomingMessage, reply: ServerResponse, asker: Asker | undefined): Promise<void> => {
    const leaving = new AbortController();
    reply.once('close', () => {
      // Only of a client that left: an AbortError at every normal end would cost a stack trace each.
      if (!reply.writableFinished) leaving.abort();
    });
    const url = new URL(request.url ?? '/', 'http://gateway');
    const init = { method: request.method ?? 'GET', headers: headersOf(request), signal: leaving.signal };
    const body = request.method === 'POST' ? await readJsonBody(request) : undefined;
    if (persisted !== undefined && asker !== undefined && body === undefined) fillIn(url.searchParams, persisted);
    const asked = body === undefined ? operationOfSearch(url.searchParams) : parseJsonObject(body);
    const written = persisted === undefined || body === undefined ? asked : filledIn(asked, persisted);
    // The library's own sentences quote a body that is no JSON.
    if (asker !== undefined) toOperation(written);
    const filled = written === asked ? body : JSON.stringify(written);
    await sendResponse(reply, await gateway.fetch(new Request(url, filled === undefined ? init : { ...init, body: filled }), asker));
  };

  const stream = async (request: IncomingMessage, reply: ServerResponse, asker: Asker): Promise<void> => {
    // A client that left while its token was looked at: nothing will say so again.
    if (reply.destroyed) return;
    if (closing.aborted) throw new ApiError('UNAVAILABLE', 'This gateway is ending; connect again.');
    sockets.open(asker.viewer);
    reply.once('close', () => sockets.close(asker.viewer));
    const ending = new AbortController();
    const expiry = abortAt(asker.viewer, ending);
    const end = (): void => ending.abort();
    closing.addEventListener('abort', end);
    reply.once('close', () => {
      clearTimeout(expiry);
      closing.removeEventListener('abort', end);
    });
    const asked = request.method === 'POST' ? parseJsonObject(await readJsonBody(request)) : operationOfQuery(request.url);
    const lastEventId = request.headers['last-event-id'];
    await serveSse(gateway, reply, toOperation(persisted === undefined ? asked : filledIn(asked, persisted)), {
      asker,
      mayMutate: request.method === 'POST',
      lastEventId: typeof lastEventId === 'string' ? lastEventId : undefined,
      ending: ending.signal,
    });
  };

  return async (request: IncomingMessage, reply: ServerResponse): Promise<void> => {
    const accept = request.headers.accept ?? '';
    try {
      if (request.method !== 'GET' && request.method !== 'POST') throw new ApiError('METHOD_NOT_ALLOWED');
      if (graphiql && request.method === 'GET' && accept.includes('text/html')) return await answer(request, reply, undefined);
      const asker = await authenticate(request);
      await (accept.includes('text/event-stream') ? stream(request, reply, asker) : answer(request, reply, asker));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const operation = `${request.method} ${GRAPHQL_PATH}`;
      logFailure(log, { requestId: requestIdOf(request), operation, code: error.code }, error);
      sendError(request, reply, error);
    }
  };
}

/** The request with the document that it names. */
function filledIn(request: JsonObject, persisted: PersistedOperations): JsonObject {
  const { documentId: _taken, ...rest } = request;
  return { ...rest, query: persisted.documentOf(request) };
}

/** The same of a request that is written in an address. */
function fillIn(search: URLSearchParams, persisted: PersistedOperations): void {
  const { query } = filledIn(operationOfSearch(search), persisted);
  if (typeof query === 'string') search.set('query', query);
  search.delete('documentId');
}

function operationOfQuery(url: string | undefined): JsonObject {
  return operationOfSearch(new URLSearchParams((url ?? '').split('?')[1]));
}

function operationOfSearch(search: URLSearchParams): JsonObject {
  const texts = ['query', 'operationName', 'documentId'].map((name) => [name, search.get(name) ?? undefined] as const);
  const objects = ['variables', 'extensions'].map((name) => {
    const written = search.get(name);
    return [name, written === null ? undefined : parseJsonObject(written)] as const;
  });
  return Object.fromEntries([...texts, ...objects]);
}

/** A GraphQL request; BAD_USER_INPUT for anything else. */
function toOperation({ query, variables, operationName, extensions }: JsonObject): OperationRequest {
  const isObject = typeof variables === 'object' && !Array.isArray(variables);
  const fields: FieldProblem[] = [
    ...(typeof query === 'string' && query !== '' ? [] : [{ path: 'query', message: 'must be a GraphQL document.' }]),
    ...(variables === undefined || isObject ? [] : [{ path: 'variables', message: 'must be an object.' }]),
    ...(operationName == null || typeof operationName === 'string' ? [] : [{ path: 'operationName', message: 'must be a text.' }]),
    ...(extensions == null || (typeof extensions === 'object' && !Array.isArray(extensions))
      ? []
      : [{ path: 'extensions', message: 'must be an object.' }]),
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
  return decodeText(await readBody(request, MAX_BODY_BYTES));
}

function headersOf({ headers }: IncomingMessage): [string, string][] {
  const kept = ['accept', 'content-type'] as const;
  return kept.flatMap((name) => {
    const value = headers[name];
    return typeof value === 'string' ? [[name, value]] : [];
  });
}

function abortAt({ expiresAt }: Viewer, ending: AbortController): NodeJS.Timeout {
  return setTimeout(() => ending.abort(), Math.min(Math.max(0, expiresAt - Date.now()), MAX_TIMER_MS)).unref();
}

function sendError(request: IncomingMessage, reply: ServerResponse, error: ApiError): void {
  if (reply.headersSent) {
    reply.destroy();
    return;
  }
  const body = { errors: [{ message: error.message, extensions: { code: error.code, ...error.details } }] };
  const allow = error.code === 'METHOD_NOT_ALLOWED' && { allow: request.method === 'GET' ? 'POST' : 'GET, POST' };
  sendJson(reply, httpStatusOf(error.code), body, { ...errorHeaders(error, request), ...allow });
}
