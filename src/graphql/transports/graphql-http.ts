import type { IncomingMessage, ServerResponse } from 'node:http';
import type { GraphQLError } from 'graphql';
import type { Authenticate } from '../../auth/authenticate.ts';
import type { StreamAdmission } from '../../auth/stream-admission.ts';
import { ApiError } from '../../errors.ts';
import { MethodNotAllowedError } from '../../http/response/method-not-allowed.ts';
import { readJson } from '../../http/request/read-json.ts';
import { searchOf } from '../../http/request/search-of.ts';
import { sendNoContent, STREAM_TYPE } from '../../http/response/send-event-stream.ts';
import type { Gateway, PreparedOperation } from '../pipeline/gateway.ts';
import { PersistedOperationError, type PersistedOperations } from '../pipeline/persisted-operations.ts';
import { GraphiqlPage } from './graphiql-page.ts';
import type { Caller } from '../schema/context.ts';
import { FINAL_ID, serveSse } from './graphql-sse.ts';
import { operationOfSearch, toOperation, withPersistedDocument } from './read-operation.ts';
import { namesEventStream, PAGE_TYPE, responseTypeOf } from './response-type.ts';
import { refuseAccept, sendRefusal, sendResult } from './send-result.ts';

interface GraphqlHttpOptions {
  readonly gateway: Gateway;
  readonly authenticate: Authenticate;
  readonly admission: StreamAdmission;
  readonly persisted: PersistedOperations;
  readonly graphiql: boolean;
}

/**
 * GraphQL over HTTP and SSE.
 *
 * INVARIANTS
 * - The caller is authenticated before the body is read; only the GraphiQL page needs no token.
 * - The Accept header decides between a result, an event stream and the page; errors too are sent as it prefers.
 * - Bodies are JSON: a browser cannot send that across sites without a preflight.
 * - An event stream ends when its token expires or the gateway shuts down.
 */
export class GraphqlHttp {
  readonly #options: GraphqlHttpOptions;
  readonly #graphiqlPage = new GraphiqlPage();

  constructor(options: GraphqlHttpOptions) {
    this.#options = options;
  }

  /** Serves one request. Rejects with an ApiError if it is refused before its operation is prepared. */
  async handle(request: IncomingMessage, reply: ServerResponse): Promise<void> {
    const { graphiql, authenticate, admission, gateway } = this.#options;
    const { method } = request;
    if (method === 'PUT') throw new MethodNotAllowedError(METHODS, NO_RESERVATION);
    if (method !== 'GET' && method !== 'POST') throw new MethodNotAllowedError(METHODS);
    const type = responseTypeOf(request, { page: graphiql && method === 'GET' });
    if (type === undefined) return refuseAccept(reply);
    if (type === PAGE_TYPE) return this.#graphiqlPage.send(request, reply);
    const caller = await authenticate(request);
    const lastEventId = lastEventIdOf(request);
    if (type === STREAM_TYPE && lastEventId === FINAL_ID) return sendNoContent(reply);
    const prepared = await this.#prepare(request, {
      ...caller,
      lastEventId,
      connection: { cut: () => void reply.destroy() },
    });
    if (!('kind' in prepared)) return sendRefusal(reply, type, prepared);
    if (prepared.kind === 'mutation' && method === 'GET')
      throw new MethodNotAllowedError(['POST'], 'Send mutations by POST.');
    const isSubscription = prepared.kind === 'subscription';
    if (type === STREAM_TYPE || (isSubscription && namesEventStream(request))) {
      const ending = admission.admit(reply, caller.viewer);
      return serveSse(reply, prepared, { isReconnect: lastEventId !== undefined, ending });
    }
    if (isSubscription) return sendRefusal(reply, type, [gateway.mask(NO_STREAM, caller)]);
    sendResult(reply, 200, type, await prepared.execute());
  }

  async #prepare(request: IncomingMessage, caller: Caller): Promise<PreparedOperation | readonly GraphQLError[]> {
    const { gateway, persisted } = this.#options;
    const sent =
      request.method === 'POST'
        ? await readJson(request)
        : operationOfSearch(new URLSearchParams(searchOf(request.url)));
    try {
      return gateway.prepare(toOperation(withPersistedDocument(sent, persisted)), caller);
    } catch (error) {
      if (!(error instanceof PersistedOperationError)) throw error;
      return [gateway.mask(error, caller)];
    }
  }
}

const METHODS = ['GET', 'POST'];

const NO_RESERVATION =
  "This is graphql-sse's distinct connections mode, one stream for each operation by GET or POST; do not set " +
  'singleConnection.';

const NO_STREAM = new ApiError(
  'BAD_USER_INPUT',
  'Subscribe over a WebSocket, or with the header "accept: text/event-stream".',
);

function lastEventIdOf({ headers }: IncomingMessage): string | undefined {
  const id = headers['last-event-id'];
  return typeof id === 'string' ? id : undefined;
}
