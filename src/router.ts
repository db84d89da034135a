import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { ApiError } from './errors.ts';
import { GRAPHQL_PATH } from './graphql/gateway.ts';
import type { GraphqlWs } from './graphql/graphql-ws.ts';
import { answerNotHere } from './ingress/plain-answer.ts';
import type { Ingress } from './ingress/proxy.ts';
import { matchRequest } from './ingress/request-target.ts';
import type { OwnPaths } from './ingress/own-paths.ts';
import { pathOf } from './lib/path-of.ts';
import { sendJson } from './lib/send-response.ts';
import type { Log } from './log.ts';
import { sendError } from './rest/rest-handler.ts';

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
  readonly isReady: () => Promise<{ ready: boolean; checks: Record<string, string> }>;
  readonly metrics: () => Promise<{ type: string; text: string }>;
}

/**
 * Host, then path, decide who serves a request. The API's replies are for any origin: it takes a Bearer token and never a
 * cookie, so a page elsewhere can do nothing that its visitor did not hand it the token for.
 */
export function createRouter(routes: Routes) {
  const { baseDomain, log, api, ingress, isReady, metrics } = routes;

  const serveApi = async (request: IncomingMessage, reply: ServerResponse): Promise<void> => {
    reply.setHeader('access-control-allow-origin', '*');
    reply.setHeader('x-content-type-options', 'nosniff');
    if (request.method === 'OPTIONS') return answerPreflight(reply);
    const path = pathOf(request.url);
    if (path === '/health/live') return sendJson(reply, 200, { live: true });
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
      const match = matchRequest(request, baseDomain);
      if (match.kind === 'api') {
        serveApi(request, reply).catch((error: unknown) => {
          if (!(error instanceof ApiError)) log.error({ err: error, method: request.method }, 'a request failed');
          if (reply.headersSent) reply.destroy();
          else sendError(reply, error);
        });
        return;
      }
      if (match.kind === 'foreign' || ingress === undefined) return answerNotHere(reply);
      if (ingress.ownPaths.has(request.url)) ingress.ownPaths.handle(request, reply, match);
      else ingress.proxy.handle(request, reply, match);
    },

    upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
      const match = matchRequest(request, baseDomain);
      if (match.kind === 'api' && api !== undefined && pathOf(request.url) === GRAPHQL_PATH) {
        api.graphqlWs.upgrade(request, socket, head);
      } else if (match.kind === 'vm' && ingress !== undefined && !ingress.ownPaths.has(request.url)) {
        ingress.proxy.upgrade(request, socket, head, match);
      } else {
        // A client that is gone by now is no fault of ours.
        socket.on('error', () => undefined);
        socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
      }
    },
  };
}

function answerPreflight(reply: ServerResponse): void {
  reply.writeHead(204, {
    'access-control-allow-methods': 'GET, POST, DELETE',
    'access-control-allow-headers': 'authorization, content-type, idempotency-key, last-event-id',
    'access-control-max-age': '86400',
  });
  reply.end();
}
