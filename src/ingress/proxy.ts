import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Log } from '../log.ts';
import { isCrossOrigin } from './cross-origin.ts';
import { requestHeaders, type Framing } from './forward-headers.ts';
import { ownCookiesOf } from './own-cookies.ts';
import { answerNotHere, answerPlain, answerUnavailable } from './plain-answer.ts';
import { relay } from './relay.ts';
import { flawOf, hasBody, isWebSocketUpgrade } from './request-target.ts';
import type { Resolution, Resolve, Upstream } from './resolution.ts';
import { createTargetPools, type TargetPool } from './target-pools.ts';
import type { HostMatch } from './vm-host.ts';
import { openTunnel, responseOnSocket, watchHangUp } from './websocket.ts';

export interface IngressOptions {
  readonly resolve: Resolve;
  readonly log: Log;
  /** What browsers use to reach the gateway, told to apps as X-Forwarded-Proto; http when absent. */
  readonly publicScheme?: 'http' | 'https';
}

/** The reverse proxy of the VMs' own addresses. Neither method throws or rejects: whatever happens becomes an answer. */
export interface Ingress {
  /** For the server's `request` event. */
  handle(req: IncomingMessage, res: ServerResponse, match: HostMatch): void;
  /** For the server's `upgrade` event; `socket` is the request's own. */
  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer, match: HostMatch): void;
  /** Ends every request and WebSocket at once, and answers 503 from then on. */
  close(): void;
}

const RESOLVE_DEADLINE_MS = 5_000;
/** Methods whose requests Node sends without a body unless told otherwise. */
const BODYLESS = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE']);

/** An ingress that sends each request where `resolve` says. */
export function createIngress({ resolve, log, publicScheme = 'http' }: IngressOptions): Ingress {
  const pools = createTargetPools();

  /** The target of a request; undefined when it has been answered instead. */
  const findTarget = async (req: IncomingMessage, res: ServerResponse, match: HostMatch): Promise<Upstream | undefined> => {
    const flaw = flawOf(req);
    if (flaw !== undefined) answerPlain(res, flaw.status, flaw.message);
    else if (match.kind !== 'vm') answerNotHere(res);
    else {
      const cookies = ownCookiesOf(isCrossOrigin(req) ? undefined : req.headers.cookie);
      const resolution = await withinDeadline(() => resolve(match.vmId, match.name, cookies)).catch((err: unknown): Resolution => {
        log.error({ vmId: match.vmId, err }, 'Cannot tell where a VM is');
        return { kind: 'unavailable', retryAfterSeconds: 2, message: 'The gateway cannot tell where this is; try again shortly.' };
      });
      if (resolution.kind === 'upstream') return resolution.target;
      if (resolution.kind === 'unavailable') answerUnavailable(res, resolution.retryAfterSeconds, resolution.message);
      else answerNotHere(res);
    }
    return undefined;
  };

  const findPool = (target: Upstream, res: ServerResponse): TargetPool | undefined => {
    const pool = pools.get(target);
    if (pool === undefined) answerUnavailable(res, 1, 'The app was stopped just now; try again shortly.');
    return pool;
  };

  const headersFor = (req: IncomingMessage, framing: Framing) => {
    const peer = req.socket.remoteAddress ?? '';
    return requestHeaders(req.rawHeaders, framing, { peer, scheme: publicScheme, host: req.headers.host ?? '' });
  };

  const serve = async (req: IncomingMessage, res: ServerResponse, match: HostMatch) => {
    const target = await findTarget(req, res, match);
    if (target === undefined || req.socket.destroyed) return;
    const pool = findPool(target, res);
    if (pool !== undefined) relay({ req, res, target, pool, headers: headersFor(req, framingOf(req)), onUpgrade: undefined, log });
  };

  const serveWebSocket = async (req: IncomingMessage, res: ServerResponse, clientHead: Buffer, match: HostMatch, stopWatch: () => void) => {
    const client = req.socket;
    const target = await findTarget(req, res, match);
    if (target === undefined || client.destroyed) return;
    const pool = findPool(target, res);
    if (pool === undefined) return;
    const onUpgrade: Parameters<typeof relay>[0]['onUpgrade'] = (answer, upstream, upstreamHead) => {
      stopWatch();
      openTunnel({ res, client, clientHead, answer, upstream, upstreamHead, pool });
    };
    relay({ req, res, target, pool, headers: headersFor(req, 'websocket'), onUpgrade, log });
  };

  /** The last resort, so that a fault of ours ends one request and not the process. */
  const guard = (served: Promise<void>, res: ServerResponse) => {
    served.catch((err: unknown) => {
      log.error({ err }, 'The ingress failed to serve a request');
      res.destroy();
    });
  };

  return {
    handle: (req, res, match) => guard(serve(req, res, match), res),
    upgrade(req, _socket, head, match) {
      const res = responseOnSocket(req);
      if (res === undefined) return;
      // Its bytes would be taken for the WebSocket's.
      if (hasBody(req)) answerPlain(res, 400, 'A request to upgrade has no body here.');
      else {
        const stopWatch = watchHangUp(req.socket);
        guard(isWebSocketUpgrade(req) ? serveWebSocket(req, res, head, match, stopWatch) : serve(req, res, match), res);
      }
    },
    close: () => pools.close(),
  };
}

function framingOf(req: IncomingMessage): Framing {
  if (req.headers['transfer-encoding'] !== undefined) return 'chunked';
  return req.headers['content-length'] === undefined && !BODYLESS.has(req.method ?? '') ? 'empty' : 'as-sent';
}

async function withinDeadline(resolve: () => Promise<Resolution>): Promise<Resolution> {
  const late = Promise.withResolvers<never>();
  const expire = () => late.reject(new Error(`No answer within ${RESOLVE_DEADLINE_MS} ms.`));
  const timer = setTimeout(expire, RESOLVE_DEADLINE_MS);
  try {
    return await Promise.race([resolve(), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
