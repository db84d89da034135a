import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { ApiError } from './errors.ts';
import { GRAPHQL_PATH } from './graphql/pipeline/gateway.ts';
import type { GraphqlWs } from './graphql/transports/graphql-ws.ts';
import { answerNotHere } from './http/plain-answer.ts';
import type { Ingress } from './ingress/proxy/proxy.ts';
import { matchRequest } from './ingress/routing/match-request.ts';
import type { OwnPaths } from './ingress/own-paths.ts';
import { parseVmHost } from './ingress/routing/vm-host.ts';
import { errorHeaders } from './http/error-headers.ts';
import { codeOf, logFailure } from './lib/log-failure.ts';
import { pathOf } from './http/path-of.ts';
import { refuseUpgrade } from './http/refuse-upgrade.ts';
import { REQUEST_ID_HEADER, requestIdOf } from './http/request-id.ts';
import { sendJson } from './http/send-response.ts';
import type { Log } from './log.ts';
import { sendError } from './rest/rest-handler.ts';

/** Longer than any answer takes to be made. */
const REPLY_IDLE_MS = 60_000;

type Handle = (request: IncomingMessage, reply: ServerResponse) => Promise<void>;

export interface Routes {
  readonly baseDomain: string;
  readonly log: Log;
  /** Absent in a process without the role. */
  readonly api?: {
    readonly graphql: Handle;
    readonly graphqlWs: GraphqlWs;
    readonly rest: (request: IncomingMessage, reply: ServerResponse, path: string) => Promise<boolean>;
  };
  readonly ingress?: { readonly proxy: Ingress; readonly ownPaths: OwnPaths };
  /** Counts a request of this API before anything of it is looked at; throws RATE_LIMITED. */
  readonly enter: (request: IncomingMessage) => void;
  readonly isReady: () => Promise<{ ready: boolean; checks: Record<string, string> }>;
  readonly metrics: () => Promise<{ type: string; text: string }>;
}

/**
 * Host, then path, decide who serves a request. The API's replies are for any origin: it takes a Bearer token and never a
 * cookie, so a page elsewhere can do nothing that its visitor did not hand it the token for.
 */
export function createRouter(routes: Routes) {
  const { baseDomain, log, api, ingress, enter, isReady, metrics } = routes;

  const hostOf = (host: string) => parseVmHost(host, baseDomain);

  const serveApi = async (request: IncomingMessage, reply: ServerResponse): Promise<void> => {
    reply.setHeader(REQUEST_ID_HEADER, requestIdOf(request));
    reply.setHeader('access-control-allow-origin', '*');
    reply.setHeader('access-control-expose-headers', REQUEST_ID_HEADER);
    reply.setHeader('x-content-type-options', 'nosniff');
    if (request.method === 'OPTIONS') return answerPreflight(reply);
    const path = pathOf(request.url);
    // Whether this process lives does not depend on who asks too much of it.
    if (path === '/health/live') return sendJson(reply, 200, { live: true });
    enter(request);
    // A client that does not take its answer holds what was made for it; a stream has its own deadline for that.
    reply.setTimeout(REPLY_IDLE_MS, () => reply.destroy());
    if (path === '/health/ready') {
      const state = await isReady();
      return sendJson(reply, state.ready ? 200 : 503, state);
    }
    if (path === '/metrics') {
      const { type, text } = await metrics();
      reply.writeHead(200, { 'content-type': type }).end(text);
      return;
    }
    if (path === GRAPHQL_PATH && api !== undefined) return api.graphql(request, reply);
    if (api !== undefined && (await api.rest(request, reply, path))) return;
    throw new ApiError('NOT_FOUND', 'There is nothing at this path; GraphQL is at /graphql, the REST API is described at /openapi.json.');
  };

  return {
    request(request: IncomingMessage, reply: ServerResponse): void {
      const match = matchRequest(request, hostOf);
      if (match.kind === 'api') {
        serveApi(request, reply).catch((error: unknown) => {
          // A client that left waits for no answer: what failed because of it is no failure.
          if (reply.destroyed) return;
          const operation = `${request.method} ${pathOf(request.url)}`;
          logFailure(log, { requestId: requestIdOf(request), operation, code: codeOf(error) }, error);
          if (reply.headersSent) reply.destroy();
          else sendError(request, reply, error);
        });
        return;
      }
      if (match.kind === 'foreign' || ingress === undefined) return answerNotHere(reply);
      if (ingress.ownPaths.has(request.url)) ingress.ownPaths.handle(request, reply, match);
      else ingress.proxy.handle(request, reply, match);
    },

    upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
      const match = matchRequest(request, hostOf);
      if (match.kind === 'api' && api !== undefined && pathOf(request.url) === GRAPHQL_PATH) {
        try {
          enter(request);
        } catch (error) {
          const headers = error instanceof ApiError ? errorHeaders(error, request) : {};
          return refuseUpgrade(socket, '429 Too Many Requests', 'Too many requests.', {
            ...headers,
            [REQUEST_ID_HEADER]: requestIdOf(request),
          });
        }
        api.graphqlWs.upgrade(request, socket, head);
      } else if (match.kind === 'vm' && ingress !== undefined && !ingress.ownPaths.has(request.url)) {
        ingress.proxy.upgrade(request, socket, head, match);
      } else {
        refuseUpgrade(socket, '404 Not Found', 'There is no WebSocket here.', { [REQUEST_ID_HEADER]: requestIdOf(request) });
      }
    },
  };
}

function answerPreflight(reply: ServerResponse): void {
  reply.writeHead(204, {
    'access-control-allow-methods': 'GET, POST, DELETE',
    'access-control-allow-headers': 'authorization, content-type, idempotency-key, last-event-id, x-request-id',
    'access-control-max-age': '86400',
  });
  reply.end();
}
