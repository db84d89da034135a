import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { networkOf } from '../../http/request/network-of.ts';
import { answerPlain, answerUnavailable } from '../../http/response/plain-answer.ts';
import { requestIdOf } from '../../http/request/request-id.ts';
import { findRequestProblem, hasBody, isWebSocketUpgrade } from '../../http/request/request-target.ts';
import { dialTcp } from '../../lib/dial-tcp.ts';
import type { Log } from '../../log.ts';
import type { Refusals } from '../access/refusals.ts';
import { SocketLimits } from '../access/socket-limits.ts';
import { trustedCookies } from '../access/trusted-cookies.ts';
import { answerNotHere } from '../pages/answer-not-here.ts';
import { answerViewRefused } from '../pages/answer-view-refused.ts';
import { isRefused } from '../routing/resolution.ts';
import type { RouteCache } from '../routing/route-cache.ts';
import type { AppSignIns } from '../sign-in/app-sign-ins.ts';
import type { HostMatch } from '../routing/vm-host.ts';
import type { BootPage } from '../waiting/boot-page.ts';
import { answerUnroutable } from './answer-unroutable.ts';
import { forwardToApp } from './app-exchange.ts';
import { AppPools, type Dial, type PoolTimes } from './app-pools.ts';
import type { AppRequest } from './app-request.ts';
import { findCredentials } from './find-credentials.ts';
import { CANNOT_LOOK_UP, resolveInTime } from './resolve-in-time.ts';
import { requestHeaders } from '../headers/request-headers.ts';
import { UnsentBytes, type UnsentBounds } from './unsent-bytes.ts';
import { destroyOnEnd, openTunnel, responseOnSocket } from './websocket.ts';

export interface IngressProxyOptions {
  readonly routes: Pick<RouteCache, 'resolve' | 'isKnown'>;
  readonly refusals: Pick<Refusals, 'answerTooMany' | 'count'>;
  readonly log: Log;
  /** The scheme that browsers use, sent to apps as X-Forwarded-Proto; http by default. */
  readonly publicScheme?: 'http' | 'https';
  /** The client's address, sent to apps as X-Forwarded-For; the socket's peer by default. */
  readonly addressOf?: (req: IncomingMessage) => string;
  /** Shown to browsers while a VM cannot be reached; without it they get a plain text, like other clients. */
  readonly bootPage?: Pick<BootPage, 'show'>;
  /** Signs the holders of accesses in to apps; without it, apps ask. */
  readonly signIns?: Pick<AppSignIns, 'find'>;
  /** PROXY_TIMES by default. */
  readonly times?: ProxyTimes;
  /** Opens connections to apps; by TCP by default. */
  readonly dial?: Dial;
  /** Bounds of what waits for clients and apps that do not read. */
  readonly unsent?: Partial<UnsentBounds>;
}

interface ProxyTimes extends PoolTimes {
  /** Deadline to look up where a request goes. */
  readonly resolveMs: number;
}

/** `keepAliveMs` is less than the 5 s after which many servers, including Node's, close idle connections. */
export const PROXY_TIMES: ProxyTimes = { connectMs: 3_000, keepAliveMs: 4_000, resolveMs: 5_000 };

/** Sends on a request that has an upstream. */
type Forward = (request: AppRequest) => void;

/** The page of an editor opens up to ten WebSockets, that of a desktop one or two. */
const SOCKETS = { perVm: 256, perTicket: 128, perNetwork: 64 };

/**
 * The reverse proxy for the addresses of VMs.
 *
 * INVARIANTS
 * - `handle` and `upgrade` never throw or reject: every outcome is an answer, or ends the one connection.
 * - A request goes only to the upstream that `RouteCache` resolves for it, and ends with that upstream or its ticket.
 * - A viewer gets an answer only from an app that says in it that it leaves out a viewer's input.
 */
export class IngressProxy {
  readonly #options: IngressProxyOptions;
  readonly #times: ProxyTimes;
  readonly #pools: AppPools;
  readonly #socketLimits = new SocketLimits(SOCKETS);
  readonly #unsent: UnsentBytes;
  readonly #closing = new AbortController();

  constructor(options: IngressProxyOptions) {
    this.#options = options;
    this.#times = options.times ?? PROXY_TIMES;
    this.#pools = new AppPools(this.#times, options.dial ?? dialTcp);
    this.#unsent = new UnsentBytes(options.unsent);
  }

  /** For the server's `request` event. */
  handle(req: IncomingMessage, res: ServerResponse, match: HostMatch): void {
    this.#serveSafely(req, res, match, forwardToApp);
  }

  /** For the server's `upgrade` event, whose socket is the request's own. */
  upgrade(req: IncomingMessage, _socket: Duplex, head: Buffer, match: HostMatch): void {
    const res = responseOnSocket(req);
    if (res === undefined) return;
    // A body could not be distinguished from the data of the WebSocket.
    if (hasBody(req)) return answerPlain(res, 400, 'An upgrade request must not have a body.');
    const keepOnEnd = destroyOnEnd(req.socket);
    const forward: Forward = (request) => this.#forwardWebSocket(request, head, keepOnEnd);
    this.#serveSafely(req, res, match, isWebSocketUpgrade(req) ? forward : forwardToApp);
  }

  /** Ends all WebSockets, and each that opens later. */
  endWebSockets(): void {
    this.#closing.abort();
  }

  /** Ends all requests and WebSockets, and answers later requests with 503. */
  close(): void {
    this.#pools.close();
    this.#unsent.close();
    this.#closing.abort();
  }

  /** The last resort: a bug ends one request and not the process. */
  #serveSafely(req: IncomingMessage, res: ServerResponse, match: HostMatch, forward: Forward): void {
    this.#serve(req, res, match, forward).catch((err: unknown) => {
      this.#options.log.error({ requestId: requestIdOf(req), err }, 'the ingress failed to serve a request');
      res.destroy();
    });
  }

  async #serve(req: IncomingMessage, res: ServerResponse, match: HostMatch, forward: Forward): Promise<void> {
    const { routes, refusals, log, publicScheme = 'http', addressOf = peerOf, bootPage } = this.#options;
    const problem = findRequestProblem(req);
    if (problem !== undefined) return answerPlain(res, problem.status, problem.message);
    if (match.kind !== 'vm') return answerNotHere(res);
    const cookies = trustedCookies(req);
    if (!routes.isKnown(match, cookies) && refusals.answerTooMany(req, res)) return;
    const resolved = resolveInTime(this.#options, req, match, cookies, this.#times.resolveMs);
    // Awaited only if it must be: most requests need no look-up, and sign nobody in.
    const resolution = resolved instanceof Promise ? await resolved : resolved;
    if (isRefused(resolution) && refusals.count(req, res)) return;
    if (resolution.kind !== 'upstream') return answerUnroutable(req, res, resolution, bootPage);
    const { target, ticket, holder } = resolution;
    const isViewer = ticket?.role === 'VIEW';
    if (isViewer && req.method !== 'GET' && req.method !== 'HEAD') return answerViewRefused(res);
    const pool = this.#pools.get(target);
    if (pool === undefined) return answerUnavailable(res, 1, 'The app has just been stopped; try again shortly.');
    if (req.socket.destroyed) return;
    const peer = addressOf(req);
    const client = { vmId: target.vmId, ticketId: holder?.id, network: networkOf(peer) };
    this.#unsent.watchSocket(req.socket, client);
    const found = findCredentials(this.#options, req, resolution, { app: pool.fresh, from: peer });
    const credentials = found instanceof Promise ? await found : found;
    if (credentials === 'unavailable') return answerUnavailable(res, 2, CANNOT_LOOK_UP);
    if (req.socket.destroyed) return;
    const forwarding = {
      peer,
      scheme: publicScheme,
      host: req.headers.host ?? '',
      prefix: target.strip,
      isViewer,
      credentials,
    };
    const headers = requestHeaders(req.rawHeaders, forwarding);
    const withheldCookie = credentials?.kind === 'cookie' ? credentials.name : undefined;
    forward({ req, res, target, pool, ticket, client, unsent: this.#unsent, log, headers, withheldCookie });
  }

  #forwardWebSocket(request: AppRequest, clientHead: Buffer, keepOnEnd: () => void): void {
    const { req, res, target, ticket, client, unsent } = request;
    const release = this.#socketLimits.acquire(client);
    if (release === undefined) {
      return answerPlain(res, 429, 'Too many WebSockets are open here; close some of them.', { 'Retry-After': '10' });
    }
    // Not the response's `close`: it is detached from the socket when it ends, and emits none.
    req.socket.once('close', release);
    forwardToApp({
      ...request,
      onUpgrade: (headers, app) => {
        keepOnEnd();
        req.socket.off('close', release);
        const closing = this.#closing.signal;
        unsent.watchSocket(app as Socket, client);
        openTunnel({ res, client: req.socket, clientHead, app, headers, target, ticket, closing, onClosed: release });
      },
    });
  }
}

function peerOf({ socket }: IncomingMessage): string {
  return (socket.remoteAddress ?? '').replace(/^::ffff:(?=[0-9.]+$)/i, '');
}
