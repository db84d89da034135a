import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Authenticate } from '../auth/authenticate.ts';
import { ApiError } from '../errors.ts';
import type { Gateway } from '../graphql/pipeline/gateway.ts';
import type { Caller } from '../graphql/schema/context.ts';
import { readJson } from '../http/request/read-json.ts';
import { requestIdOf } from '../http/request/request-id.ts';
import { sendJson } from '../http/response/send-response.ts';
import { logFailure } from '../lib/log-failure.ts';
import type { Log } from '../log.ts';
import { chooseRoute, matchRoutes, type RouteMatch } from './match-route.ts';
import { openapiDocument } from './openapi.ts';
import type { RestRequest } from './route.ts';
import { OperationError, runOperation } from './run-operation.ts';
import { sendRestError } from './send-rest-error.ts';

interface RestOptions {
  readonly gateway: Gateway;
  readonly authenticate: Authenticate;
  /** STRICT_REST: a GET never changes state. */
  readonly strict: boolean;
  readonly log: Log;
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

  constructor(options: RestOptions) {
    this.#options = options;
  }

  /**
   * Serves a request; resolves to false if no route has this path. Rejects with errors that the request did not cause.
   */
  async handle(request: IncomingMessage, reply: ServerResponse, path: string): Promise<boolean> {
    if (path === '/openapi.json') {
      sendJson(reply, 200, openapiDocument());
      return true;
    }
    const matches = matchRoutes(path);
    const [first] = matches;
    if (first === undefined) return false;
    try {
      await this.#serve(request, reply, matches);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (!(error instanceof OperationError)) {
        const operation = `${request.method} ${first.route.path}`;
        logFailure(this.#options.log, { requestId: requestIdOf(request), operation, code: error.code }, error);
      }
      sendRestError(request, reply, error);
    }
    return true;
  }

  async #serve(request: IncomingMessage, reply: ServerResponse, matches: readonly RouteMatch[]): Promise<void> {
    const { gateway, authenticate, strict } = this.#options;
    const { route, params } = chooseRoute(request, matches, { strict });
    const caller: Caller = { ...(await authenticate(request)), route: `${request.method} ${route.path}` };
    const hasBody = request.method === 'POST' && !route.path.includes(':');
    const key = request.headers['idempotency-key'];
    const restRequest: RestRequest = {
      params,
      body: hasBody ? await readJson(request) : {},
      idempotencyKey: typeof key === 'string' ? key : undefined,
    };
    const data = await runOperation(gateway, caller, route, restRequest);
    const body = route.reply(data, restRequest);
    if (body === undefined) throw new ApiError('NOT_FOUND');
    sendJson(reply, route.status, body, { 'cache-control': 'no-store' });
  }
}
