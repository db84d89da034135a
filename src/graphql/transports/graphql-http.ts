import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AccountSockets } from '../../auth/account-sockets.ts';
import type { Authenticate } from '../../auth/authenticate.ts';
import type { Viewer } from '../../audit/viewer.ts';
import { ApiError } from '../../errors.ts';
import { MethodNotAllowedError } from '../../http/method-not-allowed.ts';
import { readJson } from '../../http/read-json.ts';
import { requestIdOf } from '../../http/request-id.ts';
import { sendError } from '../../http/send-error.ts';
import { sendResponse } from '../../http/send-response.ts';
import { logFailure } from '../../lib/log-failure.ts';
import type { Log } from '../../log.ts';
import { GRAPHQL_PATH, type Gateway } from '../pipeline/gateway.ts';
import type { PersistedOperations } from '../pipeline/persisted-operations.ts';
import type { Caller } from '../schema/context.ts';
import { serveSse } from './graphql-sse.ts';
import { operationOfSearch, toOperation, withPersistedDocument } from './read-operation.ts';

/** The longest delay of setTimeout. */
const MAX_TIMER_MS = 2 ** 31 - 1;

interface GraphqlHttpOptions {
  readonly gateway: Gateway;
  /** Aborts when the gateway shuts down: open event streams end, and no new one is accepted. */
  readonly closing: AbortSignal;
  readonly authenticate: Authenticate;
  /** An event stream counts against the account's live connections, like a WebSocket. */
  readonly sockets: AccountSockets;
  readonly persisted: PersistedOperations | undefined;
  readonly graphiql: boolean;
  readonly log: Log;
}

/**
 * GraphQL over HTTP and SSE.
 *
 * INVARIANTS
 * - The caller is authenticated before the body is read; only the GraphiQL page needs no token.
 * - Bodies are JSON: a browser cannot send that across sites without a preflight.
 * - An event stream ends when its token expires or the gateway shuts down.
 */
export class GraphqlHttp {
  readonly #options: GraphqlHttpOptions;

  constructor(options: GraphqlHttpOptions) {
    this.#options = options;
  }

  /** Serves one request. Rejects with errors that the request did not cause. */
  async handle(request: IncomingMessage, reply: ServerResponse): Promise<void> {
    const { graphiql, authenticate, log } = this.#options;
    const accept = request.headers.accept ?? '';
    try {
      if (request.method !== 'GET' && request.method !== 'POST') throw new MethodNotAllowedError(['GET', 'POST']);
      if (graphiql && request.method === 'GET' && accept.includes('text/html'))
        return await this.#answer(request, reply, undefined);
      const caller = await authenticate(request);
      await (accept.includes('text/event-stream')
        ? this.#stream(request, reply, caller)
        : this.#answer(request, reply, caller));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const { code, message, details } = error;
      logFailure(log, { requestId: requestIdOf(request), operation: `${request.method} ${GRAPHQL_PATH}`, code }, error);
      sendError(request, reply, error, { body: { errors: [{ message, extensions: { code, ...details } }] } });
    }
  }

  async #answer(request: IncomingMessage, reply: ServerResponse, caller: Caller | undefined): Promise<void> {
    const { gateway, persisted } = this.#options;
    const left = new AbortController();
    reply.once('close', () => {
      // Not after a normal end, which would cost the stack trace of an AbortError for each request.
      if (!reply.writableFinished) left.abort();
    });
    const url = new URL(request.url ?? '/', 'http://gateway');
    const body = request.method === 'POST' ? await readJson(request) : undefined;
    const sent = body?.value ?? operationOfSearch(url.searchParams);
    const operation = caller === undefined ? sent : withPersistedDocument(sent, persisted);
    // Checked here, because yoga's own errors quote the request.
    if (caller !== undefined) toOperation(operation);
    if (body === undefined && operation !== sent) setDocument(url.searchParams, operation['query']);
    const init = { method: request.method ?? 'GET', headers: headersOf(request), signal: left.signal };
    const text = operation === sent ? body?.text : JSON.stringify(operation);
    const forwarded = new Request(url, body === undefined || text === undefined ? init : { ...init, body: text });
    await sendResponse(reply, await gateway.fetch(forwarded, caller));
  }

  async #stream(request: IncomingMessage, reply: ServerResponse, caller: Caller): Promise<void> {
    const { gateway, closing, sockets, persisted } = this.#options;
    // The client left during authentication; `close` will not fire again.
    if (reply.destroyed) return;
    if (closing.aborted) throw new ApiError('UNAVAILABLE', 'This gateway is shutting down; connect again.');
    sockets.open(caller.viewer);
    reply.once('close', () => sockets.close(caller.viewer));
    const ending = new AbortController();
    const end = (): void => ending.abort();
    const expiry = atExpiry(caller.viewer, end);
    closing.addEventListener('abort', end);
    reply.once('close', () => {
      clearTimeout(expiry);
      closing.removeEventListener('abort', end);
    });
    const isPost = request.method === 'POST';
    const sent = isPost
      ? (await readJson(request)).value
      : operationOfSearch(new URLSearchParams((request.url ?? '').split('?')[1]));
    const lastEventId = request.headers['last-event-id'];
    await serveSse(gateway, reply, toOperation(withPersistedDocument(sent, persisted)), {
      caller,
      mayMutate: isPost,
      lastEventId: typeof lastEventId === 'string' ? lastEventId : undefined,
      ending: ending.signal,
    });
  }
}

function setDocument(search: URLSearchParams, query: unknown): void {
  if (typeof query === 'string') search.set('query', query);
  search.delete('documentId');
}

function headersOf({ headers }: IncomingMessage): [string, string][] {
  const kept = ['accept', 'content-type'] as const;
  return kept.flatMap((name) => {
    const value = headers[name];
    return typeof value === 'string' ? [[name, value]] : [];
  });
}

function atExpiry({ expiresAt }: Viewer, end: () => void): NodeJS.Timeout {
  return setTimeout(end, Math.min(Math.max(0, expiresAt - Date.now()), MAX_TIMER_MS)).unref();
}
