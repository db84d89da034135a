import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ExecutionResult, GraphQLError } from 'graphql';
import type { AccountSockets } from '../../auth/account-sockets.ts';
import type { Authenticate } from '../../auth/authenticate.ts';
import type { Viewer } from '../../audit/viewer.ts';
import { ApiError } from '../../errors.ts';
import { MethodNotAllowedError } from '../../http/method-not-allowed.ts';
import { readJson } from '../../http/read-json.ts';
import { requestIdOf } from '../../http/request-id.ts';
import { sendError } from '../../http/send-error.ts';
import { sendJson } from '../../http/send-response.ts';
import { logFailure } from '../../lib/log-failure.ts';
import type { Log } from '../../log.ts';
import { GRAPHQL_PATH, type Gateway, type OperationRequest } from '../pipeline/gateway.ts';
import type { PersistedOperations } from '../pipeline/persisted-operations.ts';
import type { Caller } from '../schema/context.ts';
import { GraphiqlPage } from './graphiql-page.ts';
import { serveSse } from './graphql-sse.ts';
import { operationOfSearch, toOperation, withPersistedDocument } from './read-operation.ts';
import { responseTypeOf, type ResponseType } from './response-type.ts';

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
  readonly #graphiqlPage = new GraphiqlPage();

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
        return await this.#graphiqlPage.send(request, reply);
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

  async #answer(request: IncomingMessage, reply: ServerResponse, caller: Caller): Promise<void> {
    const { gateway } = this.#options;
    const type = responseTypeOf(request.headers.accept);
    if (type === undefined) return refuseAccept(reply);
    const prepared = gateway.prepare(await this.#readOperation(request), caller);
    if (!('kind' in prepared)) return refuse(reply, type, prepared);
    if (prepared.kind === 'mutation' && request.method === 'GET')
      throw new MethodNotAllowedError(['POST'], 'Send mutations by POST.');
    if (prepared.kind === 'subscription') return refuse(reply, type, [gateway.mask(NO_STREAM, caller)]);
    send(reply, 200, type, await prepared.execute());
  }

  async #readOperation(request: IncomingMessage): Promise<OperationRequest> {
    const sent =
      request.method === 'POST'
        ? await readJson(request)
        : operationOfSearch(new URLSearchParams((request.url ?? '').split('?')[1]));
    return toOperation(withPersistedDocument(sent, this.#options.persisted));
  }

  async #stream(request: IncomingMessage, reply: ServerResponse, caller: Caller): Promise<void> {
    const { gateway, closing, sockets } = this.#options;
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
    const lastEventId = request.headers['last-event-id'];
    await serveSse(gateway, reply, await this.#readOperation(request), {
      caller,
      mayMutate: request.method === 'POST',
      lastEventId: typeof lastEventId === 'string' ? lastEventId : undefined,
      ending: ending.signal,
    });
  }
}

const NO_STREAM = new ApiError(
  'BAD_USER_INPUT',
  'Subscribe over a WebSocket, or with the header "accept: text/event-stream".',
);

/** An operation that is refused as a whole: a client that understands only JSON gets the errors as a result. */
function refuse(reply: ServerResponse, type: ResponseType, errors: readonly GraphQLError[]): void {
  send(reply, type === 'application/json' ? 200 : 400, type, { errors });
}

function send(reply: ServerResponse, status: number, type: ResponseType, result: ExecutionResult): void {
  sendJson(reply, status, result, { 'content-type': CONTENT_TYPES[type] });
}

const CONTENT_TYPES: Readonly<Record<ResponseType, string>> = {
  'application/json': 'application/json; charset=utf-8',
  'application/graphql-response+json': 'application/graphql-response+json; charset=utf-8',
};

function refuseAccept(reply: ServerResponse): void {
  reply.writeHead(406, { accept: Object.values(CONTENT_TYPES).join(', '), 'content-length': '0' }).end();
}

function atExpiry({ expiresAt }: Viewer, end: () => void): NodeJS.Timeout {
  return setTimeout(end, Math.min(Math.max(0, expiresAt - Date.now()), MAX_TIMER_MS)).unref();
}
