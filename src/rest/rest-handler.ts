import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Authenticate } from '../auth/authenticate.ts';
import type { StreamAdmission } from '../auth/stream-admission.ts';
import { ApiError } from '../errors.ts';
import { cursorOf } from '../events/vm-event.ts';
import type { Gateway } from '../graphql/pipeline/gateway.ts';
import type { Caller } from '../graphql/schema/context.ts';
import { readJson } from '../http/request/read-json.ts';
import { requestIdOf } from '../http/request/request-id.ts';
import { searchOf } from '../http/request/search-of.ts';
import { MethodNotAllowedError } from '../http/response/method-not-allowed.ts';
import { nameRequestSpan } from '../http/server/request-span.ts';
import { sendEventStream, sendNoContent, toEventText } from '../http/response/send-event-stream.ts';
import { sendJson } from '../http/response/send-response.ts';
import { logFailure } from '../lib/log-failure.ts';
import type { Log } from '../log.ts';
import { openapiDocument } from './openapi/openapi-document.ts';
import { OperationError } from './operation-error.ts';
import { chooseRoute, matchRoutes, type RouteMatch } from './routes/match-route.ts';
import type { ReplyRoute, RestData, RestRequest, StreamRoute } from './routes/route.ts';
import { runOperation, runSubscription } from './run-operation.ts';
import { sendRestError } from './send-rest-error.ts';

const OPENAPI_PATH = '/openapi.json';

/** RFC 9745: since when a GET that changes state is deprecated, and where to read what replaces it. */
const DEPRECATION = {
  deprecation: `@${Date.UTC(2026, 10, 24) / 1000}`,
  link: `<${OPENAPI_PATH}>; rel="deprecation"; type="application/json"`,
};

interface RestOptions {
  readonly gateway: Gateway;
  readonly authenticate: Authenticate;
  readonly admission: StreamAdmission;
  /** STRICT_REST: a GET never changes state. */
  readonly strict: boolean;
  /** The public origin of the API. */
  readonly origin: string;
  readonly log: Log;
}

interface Exchange {
  readonly caller: Caller;
  readonly request: RestRequest;
  readonly reply: ServerResponse;
}

/**
 * The REST API.
 *
 * INVARIANTS
 * - A route has no logic of its own: it maps a request to a GraphQL operation, and the result to a reply.
 * - The method is checked before the token, and the token before the body is read.
 */
export class RestHandler {
  readonly #options: RestOptions;
  readonly #document: object;

  constructor(options: RestOptions) {
    this.#options = options;
    this.#document = openapiDocument(options.origin);
  }

  /**
   * Serves a request; resolves to false if no route has this path. Rejects with errors that the request did not cause.
   */
  async handle(request: IncomingMessage, reply: ServerResponse, path: string): Promise<boolean> {
    // A slash at the end makes no difference.
    const resource = path.replace(/(?<=.)\/$/, '');
    const isDocument = resource === OPENAPI_PATH;
    const matches = matchRoutes(resource);
    const known = isDocument ? resource : matches[0]?.route.path;
    if (known === undefined) return false;
    try {
      if (isDocument) this.#sendDocument(request, reply);
      else await this.#serve(request, reply, matches);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (!(error instanceof OperationError)) {
        const operation = `${request.method} ${known}`;
        logFailure(this.#options.log, { requestId: requestIdOf(request), operation, code: error.code }, error);
      }
      sendRestError(request, reply, error);
    }
    return true;
  }

  #sendDocument({ method = '' }: IncomingMessage, reply: ServerResponse): void {
    const allowed = ['GET', 'HEAD'];
    if (!allowed.includes(method)) throw new MethodNotAllowedError(allowed);
    sendJson(reply, 200, this.#document);
  }

  async #serve(incoming: IncomingMessage, reply: ServerResponse, matches: readonly RouteMatch[]): Promise<void> {
    const { authenticate, strict } = this.#options;
    const { method = 'GET', url, headers } = incoming;
    const { route, params } = chooseRoute(incoming, matches, { strict });
    nameRequestSpan(incoming, route.path);
    if (route.changesState && method === 'GET')
      for (const [name, value] of Object.entries(DEPRECATION)) reply.setHeader(name, value);
    const caller: Caller = { ...(await authenticate(incoming)), route: `${method} ${route.path}` };
    const request: RestRequest = {
      params,
      query: Object.fromEntries(new URLSearchParams(searchOf(url))),
      body: route.body === undefined ? {} : await readJson(incoming),
      idempotencyKey: textOf(headers['idempotency-key']),
      lastEventId: textOf(headers['last-event-id']),
    };
    if ('event' in route) await this.#stream(route, { caller, request, reply }, method);
    else await this.#reply(route, { caller, request, reply });
  }

  async #reply(route: ReplyRoute, { caller, request, reply }: Exchange): Promise<void> {
    const data = await runOperation(this.#options.gateway, caller, route, request);
    const body = route.reply(data, request);
    if (body === undefined) throw new ApiError('NOT_FOUND');
    sendJson(reply, route.status, body, { 'cache-control': 'no-store' });
  }

  async #stream(route: StreamRoute, { caller, request, reply }: Exchange, method: string): Promise<void> {
    const { gateway, admission } = this.#options;
    const ending = method === 'HEAD' ? AbortSignal.abort() : admission.admit(reply, caller.viewer);
    const connection = { cut: () => void reply.destroy() };
    try {
      const subscription = await runSubscription(gateway, { ...caller, connection }, route, request);
      const toText = async (event: unknown): Promise<string> => {
        const { data, errors } = await subscription.resultOf(event);
        // Cut, so that the client asks again for what could not be read.
        if (errors !== undefined) throw new Error(`An event of ${route.path} could not be read.`);
        return toEventText({ id: cursorOf(event), data: route.event(data as unknown as RestData) });
      };
      await sendEventStream(reply, { source: subscription.source, toText, farewell: '', ending });
    } catch (error) {
      const isGone = error instanceof OperationError && error.code === 'NOT_FOUND';
      if (!isGone || request.lastEventId === undefined) throw error;
      sendNoContent(reply);
    }
  }
}

function textOf(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : undefined;
}
