import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { isDatabaseUnavailable } from '../../db/database.ts';
import { pathOf } from '../../http/path-of.ts';
import { requestIdOf } from '../../http/request-id.ts';
import type { Log } from '../../log.ts';
import { answerNotHere, answerPlain, answerUnavailable } from '../../http/plain-answer.ts';
import { findRequestProblem, hasBody, isWebSocketUpgrade, originForm } from '../../http/request-target.ts';
import type { Resolution, Resolve } from '../routing/resolution.ts';
import { createSocketLimits } from '../access/socket-limits.ts';
import { trustedCookies } from '../access/trusted-cookies.ts';
import type { HostMatch } from '../routing/vm-host.ts';
import type { WaitingRoom } from '../waiting/waiting-room.ts';
import { wantsPage } from '../waiting/wants-page.ts';
import { forwardToApp, type AppRequest } from './app-exchange.ts';
import { createAppPools } from './app-pools.ts';
import { requestHeaders } from './forward-headers.ts';
import { abortOnHangUp, openTunnel, responseOnSocket } from './websocket.ts';

export interface IngressOptions {
  readonly resolve: Resolve;
  readonly log: Log;
  /** What browsers use to reach the gateway, told to apps as X-Forwarded-Proto; http when absent. */
  readonly publicScheme?: 'http' | 'https';
  /** The client's address, told to apps as X-Forwarded-For; the socket's peer when absent. */
  readonly addressOf?: (req: IncomingMessage) => string;
  /** Shows the page of a VM that cannot be reached now; visitors read a sentence when absent, as programs do. */
  readonly room?: Pick<WaitingRoom, 'show'>;
}

/** The reverse proxy of the VMs' own addresses. None of its methods throws or rejects: every outcome becomes an answer. */
export interface Ingress {
  /** For the server's `request` event. */
  handle(req: IncomingMessage, res: ServerResponse, match: HostMatch): void;
  /** For the server's `upgrade` event; `socket` is the request's own. */
  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer, match: HostMatch): void;
  /** Ends every WebSocket at once, and each that is opened from then on. */
  endWebSockets(): void;
  /** Ends every request and WebSocket at once, and answers 503 from then on. */
  close(): void;
}

/** Sends a request on that has a target. */
type Forward = (request: AppRequest) => void;

const RESOLVE_DEADLINE_MS = 5_000;

/** An ingress that sends each request where `resolve` says. */
export function createIngress({ resolve, log, publicScheme = 'http', addressOf = peerOf, room }: IngressOptions): Ingress {
  const pools = createAppPools();
  const limits = createSocketLimits();
  const closing = new AbortController();

  const ask = async (req: IncomingMessage, { vmId, name }: Extract<HostMatch, { kind: 'vm' }>): Promise<Resolution> => {
    try {
      return await withinDeadline(resolve(vmId, name, pathOf(originForm(req.url ?? '/')), trustedCookies(req)));
    } catch (err) {
      if (!isDatabaseUnavailable(err)) log.error({ requestId: requestIdOf(req), vmId, err }, 'cannot tell where a VM is');
      return { kind: 'unavailable', retryAfterSeconds: 2, message: 'The gateway cannot tell where this is; try again shortly.' };
    }
  };

  const serve = async (req: IncomingMessage, res: ServerResponse, match: HostMatch, forward: Forward): Promise<void> => {
    const problem = findRequestProblem(req);
    if (problem !== undefined) return answerPlain(res, problem.status, problem.message);
    if (match.kind !== 'vm') return answerNotHere(res);
    const resolution = await ask(req, match);
    if (resolution.kind !== 'upstream') return answerOtherwise(req, res, resolution, room);
    const { target, ticket } = resolution;
    const pool = pools.get(target);
    if (pool === undefined) return answerUnavailable(res, 1, 'The app was stopped just now; try again shortly.');
    if (req.socket.destroyed) return;
    const forwarding = { peer: addressOf(req), scheme: publicScheme, host: req.headers.host ?? '', prefix: target.strip };
    forward({ req, res, target, pool, ticket, log, headers: requestHeaders(req.rawHeaders, forwarding) });
  };

  /** The last resort: a fault of ours ends one request and not the process. */
  const serveSafely = (req: IncomingMessage, res: ServerResponse, match: HostMatch, forward: Forward): void => {
    serve(req, res, match, forward).catch((err: unknown) => {
      log.error({ requestId: requestIdOf(req), err }, 'the ingress failed to serve a request');
      res.destroy();
    });
  };

  const forwardWebSocket =
    (clientHead: Buffer, stopWatch: () => void): Forward =>
    (request) => {
      const { req, res, target, ticket } = request;
      const leave = limits.enter(target.vmId, ticket?.id);
      if (leave === undefined) {
        return answerPlain(res, 429, 'Too many WebSockets are open here; close some of them.', { 'Retry-After': '10' });
      }
      res.once('close', leave);
      forwardToApp({
        ...request,
        onUpgrade(headers, app) {
          stopWatch();
          res.off('close', leave);
          const { signal } = closing;
          openTunnel({ res, client: req.socket, clientHead, app, headers, target, ticket, closing: signal, onClosed: leave });
        },
      });
    };

  return {
    handle: (req, res, match) => serveSafely(req, res, match, forwardToApp),
    upgrade(req, _socket, head, match) {
      const res = responseOnSocket(req);
      if (res === undefined) return;
      // The WebSocket's bytes would be taken for its body.
      if (hasBody(req)) return answerPlain(res, 400, 'A request to upgrade has no body here.');
      const stopWatch = abortOnHangUp(req.socket);
      serveSafely(req, res, match, isWebSocketUpgrade(req) ? forwardWebSocket(head, stopWatch) : forwardToApp);
    },
    endWebSockets: () => closing.abort(),
    close() {
      pools.close();
      closing.abort();
    },
  };
}

function peerOf({ socket }: IncomingMessage): string {
  return (socket.remoteAddress ?? '').replace(/^::ffff:(?=[0-9.]+$)/i, '');
}

async function answerOtherwise(
  req: IncomingMessage,
  res: ServerResponse,
  resolution: Exclude<Resolution, { kind: 'upstream' }>,
  room: IngressOptions['room'],
): Promise<void> {
  switch (resolution.kind) {
    case 'unavailable': {
      const { retryAfterSeconds, message, sight } = resolution;
      if (room !== undefined && sight !== undefined && wantsPage(req)) return room.show(req, res, sight, retryAfterSeconds);
      return answerUnavailable(res, retryAfterSeconds, message);
    }
    case 'not-http':
      return answerPlain(res, resolution.address === undefined ? 404 : 200, notHttpText(resolution));
    case 'moved': {
      const query = originForm(req.url ?? '').split('?')[1];
      return answerPlain(res, 307, '', { Location: query === undefined ? resolution.path : `${resolution.path}?${query}` });
    }
    case 'not-found':
    case 'denied':
      return answerNotHere(res);
  }
}

function notHttpText({ port, address }: { port: number; address: string | undefined }): string {
  const what = `Port ${port} of this VM speaks TCP and no HTTP: it is used with its own program, not with a browser.`;
  if (address === undefined) return `${what} It is not forwarded; its owner can do so with addPort.`;
  return `${what} Connect that to ${address}.`;
}

async function withinDeadline(answer: Resolution | Promise<Resolution>): Promise<Resolution> {
  if (!(answer instanceof Promise)) return answer;
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`No answer within ${RESOLVE_DEADLINE_MS} ms.`)), RESOLVE_DEADLINE_MS);
  try {
    return await Promise.race([answer, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
