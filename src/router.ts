import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Dashboard } from './dashboard/dashboard.ts';
import { ApiError } from './errors.ts';
import type { GraphqlHttp } from './graphql/transports/graphql-http.ts';
import { GRAPHQL_PATH } from './graphql/transports/graphql-path.ts';
import type { GraphqlWs } from './graphql/transports/graphql-ws.ts';
import { sendGraphqlError } from './graphql/transports/send-graphql-error.ts';
import { errorHeaders } from './http/response/error-headers.ts';
import { pathOf } from './http/request/path-of.ts';
import { originForm } from './http/request/request-target.ts';
import { refuseUpgrade } from './http/response/refuse-upgrade.ts';
import { REQUEST_ID_HEADER, requestIdOf } from './http/request/request-id.ts';
import { inRequestSpan, nameRequestSpan } from './http/server/request-span.ts';
import { sendJson, sendText } from './http/response/send-response.ts';
import { answerNotHere } from './ingress/pages/answer-not-here.ts';
import { matchRequest } from './ingress/routing/match-request.ts';
import { parseVmHost, type HostMatch } from './ingress/routing/vm-host.ts';
import type { VmIngress } from './ingress/vm-ingress.ts';
import { codeOf, logFailure } from './lib/log-failure.ts';
import type { Log } from './log.ts';
import { measures } from './measures.ts';
import type { Metrics } from './metrics.ts';
import type { RestHandler } from './rest/rest-handler.ts';
import { sendRestError } from './rest/send-rest-error.ts';

/** Longer than any answer takes to produce. */
const REPLY_IDLE_MS = 60_000;

export interface RouterOptions {
  readonly baseDomain: string;
  readonly log: Log;
  /** Undefined in a process without the role `api`. */
  readonly api:
    | { readonly graphqlHttp: GraphqlHttp; readonly graphqlWs: GraphqlWs; readonly rest: RestHandler }
    | undefined;
  /** Undefined if it is turned off or not built, and in a process without the role `api`. */
  readonly dashboard: Dashboard | undefined;
  /** Undefined in a process without the role `ingress`. */
  readonly ingress: Pick<VmIngress, 'proxy' | 'ownPaths'> | undefined;
  /** Counts an API request against the rate of its address; throws RATE_LIMITED. */
  readonly checkRate: (request: IncomingMessage) => void;
  /** See `createCors`. */
  readonly cors: (request: IncomingMessage, reply: ServerResponse) => boolean;
  readonly metrics: Metrics;
  /** Whether `/metrics` has a port of its own, see `monitoring`. */
  readonly hasMetricsPort: boolean;
}

/**
 * Routes requests by host, then by path.
 *
 * INVARIANTS
 * - The host decides between API and ingress, in `matchRequest` only. Health and metrics answer at foreign hosts, too.
 * - An API request is counted for its address before anything else of it is read; `/health/live` is never limited.
 * - One rule decides which origins' pages may read answers of the API and open WebSockets
 *   (`http/request/allowed-origin.ts`).
 */
export class Router {
  readonly #options: RouterOptions;

  constructor(options: RouterOptions) {
    this.#options = options;
  }

  /** For the server's `request` event. */
  request(request: IncomingMessage, reply: ServerResponse): void {
    const { ingress } = this.#options;
    const match = this.#match(request);
    if (match.kind === 'api' || (match.kind === 'foreign' && isMonitoring(request))) this.#serveApi(request, reply);
    else if (match.kind === 'foreign' || ingress === undefined) answerNotHere(reply);
    else if (ingress.ownPaths.has(request.url)) ingress.ownPaths.handle(request, reply, match);
    else ingress.proxy.handle(request, reply, match);
  }

  /** For the server of METRICS_PORT: health and metrics alone. */
  monitoring(request: IncomingMessage, reply: ServerResponse): void {
    const path = pathOf(originForm(request.url ?? ''));
    this.#serveMonitoring(path, reply).then(
      (isServed) => isServed || answerNotHere(reply),
      (error: unknown) => sendRestError(request, reply, error),
    );
  }

  /** For the server's `upgrade` event. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { api, ingress, checkRate } = this.#options;
    const requestId = { [REQUEST_ID_HEADER]: requestIdOf(request) };
    const match = this.#match(request);
    if (match.kind === 'api' && api !== undefined && pathOf(request.url) === GRAPHQL_PATH) {
      try {
        checkRate(request);
      } catch (error) {
        const headers = error instanceof ApiError ? errorHeaders(error, request) : {};
        return refuseUpgrade(socket, 429, 'Too many requests.', { ...headers, ...requestId });
      }
      api.graphqlWs.upgrade(request, socket, head);
    } else if (match.kind === 'vm' && ingress !== undefined) {
      if (ingress.ownPaths.has(request.url)) ingress.ownPaths.upgrade(request, head, match);
      else ingress.proxy.upgrade(request, socket, head, match);
    } else {
      refuseUpgrade(socket, 404, 'There is no WebSocket here.', requestId);
    }
  }

  #match(request: IncomingMessage): HostMatch {
    return matchRequest(request, (host) => parseVmHost(host, this.#options.baseDomain));
  }

  #serveApi(request: IncomingMessage, reply: ServerResponse): void {
    // RFC 9112 3.2.2: a server accepts a target in absolute form. Its host is the request's, see `matchRequest`.
    request.url = originForm(request.url ?? '');
    timeRequest(request, reply);
    this.#traceApi(request, reply).catch((error: unknown) => {
      // The client has left, so the failure may be its consequence, and nobody waits for an answer.
      if (reply.destroyed) return;
      const operation = `${request.method} ${pathOf(request.url)}`;
      logFailure(this.#options.log, { requestId: requestIdOf(request), operation, code: codeOf(error) }, error);
      if (pathOf(request.url) === GRAPHQL_PATH) sendGraphqlError(request, reply, error);
      else sendRestError(request, reply, error);
    });
  }

  /** What load balancers and scrapers ask for, and files of pages, have no traces: they come all the time. */
  #traceApi(request: IncomingMessage, reply: ServerResponse): Promise<void> {
    const handler = handlerOf(pathOf(request.url));
    if (handler !== 'graphql' && handler !== 'rest') return this.#routeApi(request, reply);
    return inRequestSpan(request, reply, () => this.#routeApi(request, reply));
  }

  /** False if there is nothing at this path. */
  async #serveMonitoring(path: string, reply: ServerResponse): Promise<boolean> {
    const { metrics } = this.#options;
    if (path === '/health/live') {
      sendJson(reply, 200, { live: true });
    } else if (path === '/health/ready') {
      const state = await metrics.checkReady();
      sendJson(reply, state.ready ? 200 : 503, state);
    } else if (path === '/metrics') {
      const { type, text } = await metrics.read();
      sendText(reply, 200, text, { 'content-type': type });
    } else {
      return false;
    }
    return true;
  }

  async #routeApi(request: IncomingMessage, reply: ServerResponse): Promise<void> {
    const { api, checkRate, cors, dashboard, hasMetricsPort } = this.#options;
    reply.setHeader(REQUEST_ID_HEADER, requestIdOf(request));
    const path = pathOf(request.url);
    if (dashboard?.has(request, path) === true) {
      checkRate(request);
      return dashboard.serve(request, reply, path);
    }
    reply.setHeader('x-content-type-options', 'nosniff');
    if (cors(request, reply)) return;
    if (path !== '/health/live') checkRate(request);
    // A client that does not read its answer must not hold memory. Event streams have their own deadline.
    reply.setTimeout(REPLY_IDLE_MS, () => reply.destroy());
    if (!(hasMetricsPort && path === '/metrics') && (await this.#serveMonitoring(path, reply))) return;
    if (path === GRAPHQL_PATH && api !== undefined) {
      nameRequestSpan(request, GRAPHQL_PATH);
      return api.graphqlHttp.handle(request, reply);
    }
    if (api !== undefined && (await api.rest.handle(request, reply, path))) return;
    throw new ApiError(
      'NOT_FOUND',
      'There is nothing at this path; GraphQL is at /graphql, the REST API is described at /openapi.json.',
    );
  }
}

/** Times a request until its answer ends. Event streams are left out: they last as long as somebody listens. */
function timeRequest(request: IncomingMessage, reply: ServerResponse): void {
  const startedAt = performance.now();
  const handler = handlerOf(pathOf(request.url));
  reply.once('finish', () => {
    if (String(reply.getHeader('content-type')).startsWith('text/event-stream')) return;
    measures.requestSeconds.observe({ handler, code: reply.statusCode }, (performance.now() - startedAt) / 1_000);
  });
}

/** A few names, because each is a series: paths of clients have no bound. */
function handlerOf(path: string): string {
  if (path === GRAPHQL_PATH) return 'graphql';
  if (path.startsWith('/health/') || path === '/metrics') return 'monitoring';
  return /^\/(vms|vm|openapi\.json)\b/.test(path) ? 'rest' : 'page';
}

/**
 * Whether a load balancer or a scraper may have sent the request: those ask by an address or a name of their own, or
 * without a Host header.
 */
function isMonitoring({ url }: IncomingMessage): boolean {
  return /^\/(health\/(live|ready)|metrics)$/.test(pathOf(originForm(url ?? '')));
}
