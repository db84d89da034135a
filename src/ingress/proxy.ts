import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { pathOf } from '../lib/path-of.ts';
import type { Log } from '../log.ts';
import type { Exchange } from './held-exchange.ts';
import { answerNotHere, answerPlain, answerUnavailable } from './plain-answer.ts';
import { relayCall } from './relay-call.ts';
import { relay } from './relay.ts';
import { createRequestFacts, type RequestFacts } from './request-facts.ts';
import { hasBody, isWebSocketUpgrade, originForm, type ReadRequest } from './request-target.ts';
import type { Reply } from './reply.ts';
import type { Resolution, Resolve, Sight } from './resolution.ts';
import { createSocketLimits } from './socket-limits.ts';
import { createTargetPools } from './target-pools.ts';
import type { HostMatch } from './vm-host.ts';
import type { WaitingRoom } from './waiting-room.ts';
import { wantsPage } from './wants-page.ts';
import { openTunnel, responseOnSocket, watchHangUp } from './websocket.ts';

export interface IngressOptions {
  readonly resolve: Resolve;
  readonly log: Log;
  /** What browsers use to reach the gateway, told to apps as X-Forwarded-Proto; http when absent. */
  readonly publicScheme?: 'http' | 'https';
  /** The client's address, told to apps as X-Forwarded-For; the socket's peer when absent. */
  readonly addressOf?: (req: ReadRequest) => string;
  /** Where people wait for a VM that cannot be reached now; they read a sentence when absent, as programs do. */
  readonly room?: Pick<WaitingRoom, 'show'>;
}

/** The reverse proxy of the VMs' own addresses. None of its methods throws or rejects: whatever happens becomes an answer. */
export interface Ingress {
  /** For the server's `request` event. */
  handle(req: IncomingMessage, res: ServerResponse, match: HostMatch): void;
  /** For a GET or HEAD that came past the server. */
  handleDirect(req: ReadRequest, reply: Reply, match: HostMatch): Served;
  /** For the server's `upgrade` event; `socket` is the request's own. */
  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer, match: HostMatch): void;
  /** Ends every request and WebSocket at once, and answers 503 from then on. */
  close(): void;
}

/** True when it is answered, or will be; false, with nothing done, when it is somebody else's to answer. */
type Served = boolean | Promise<boolean>;

/** How a request goes on that is not answered with a sentence. */
interface Next<Req extends ReadRequest, Res extends Reply> {
  readonly go: (exchange: Exchange<Req, Res>) => void;
  /** What becomes of a page of a VM that cannot be reached now; where this is undefined, it is a sentence too. */
  readonly wait: ((req: Req, res: Res, sight: Sight, retryAfterSeconds: number) => Served) | undefined;
}

const RESOLVE_DEADLINE_MS = 5_000;

/** An ingress that sends each request where `resolve` says. */
export function createIngress({ resolve, log, publicScheme = 'http', addressOf = peerOf, room }: IngressOptions): Ingress {
  const pools = createTargetPools();
  const limits = createSocketLimits();
  const factsOf = createRequestFacts({ scheme: publicScheme, addressOf });

  const ask = (
    req: ReadRequest,
    { vmId, name }: Extract<HostMatch, { kind: 'vm' }>,
    { cookies }: RequestFacts,
  ): Resolution | Promise<Resolution> => {
    const fail = (err: unknown): Resolution => {
      log.error({ vmId, err }, 'Cannot tell where a VM is');
      return { kind: 'unavailable', retryAfterSeconds: 2, message: 'The gateway cannot tell where this is; try again shortly.' };
    };
    try {
      const answer = resolve(vmId, name, pathOf(originForm(req.url ?? '/')), cookies);
      return answer instanceof Promise ? withinDeadline(answer).catch(fail) : answer;
    } catch (err) {
      return fail(err);
    }
  };

  /**
   * Goes where a request leads, or answers it otherwise. At once, where that is known, as for nearly all: a promise for each of its steps
   * would cost more than they do.
   */
  const find = <Req extends ReadRequest, Res extends Reply>(req: Req, res: Res, match: HostMatch, next: Next<Req, Res>): Served => {
    const facts = factsOf(req);
    if (facts.flaw !== undefined) answerPlain(res, facts.flaw.status, facts.flaw.message);
    else if (match.kind !== 'vm') answerNotHere(res);
    else {
      const resolution = ask(req, match, facts);
      if (resolution instanceof Promise) return resolution.then((found) => follow(req, res, facts, found, next));
      return follow(req, res, facts, resolution, next);
    }
    return true;
  };

  const follow = <Req extends ReadRequest, Res extends Reply>(
    req: Req,
    res: Res,
    facts: RequestFacts,
    resolution: Resolution,
    next: Next<Req, Res>,
  ): Served => {
    if (resolution.kind !== 'upstream') return answerOtherwise(req, res, resolution, next.wait);
    const { target, ticket } = resolution;
    const pool = pools.get(target);
    if (pool === undefined) answerUnavailable(res, 1, 'The app was stopped just now; try again shortly.');
    else if (!req.socket.destroyed) next.go({ req, res, facts, target, ticket, pool, log });
    return true;
  };

  /** The last resort, so that a fault of ours ends one request and not the process. */
  const fail = (res: Reply, err: unknown): true => {
    log.error({ err }, 'The ingress failed to serve a request');
    res.destroy();
    return true;
  };

  const serve = <Req extends ReadRequest, Res extends Reply>(req: Req, res: Res, match: HostMatch, next: Next<Req, Res>): Served => {
    try {
      const served = find(req, res, match, next);
      return served instanceof Promise ? served.catch((err: unknown) => fail(res, err)) : served;
    } catch (err) {
      return fail(res, err);
    }
  };

  const showPage: Next<IncomingMessage, ServerResponse>['wait'] =
    room && ((req, res, sight, retryAfterSeconds) => room.show(req, res, sight, retryAfterSeconds).then(() => true));
  const plainly: Next<IncomingMessage, ServerResponse> = {
    go: (exchange) => (exchange.facts.hasBody ? relay(exchange) : relayCall(exchange)),
    wait: showPage,
  };
  const directly: Next<ReadRequest, Reply> = { go: relayCall, wait: room && (() => false) };
  const asWebSocket = (clientHead: Buffer, stopWatch: () => void): typeof plainly => ({
    go(exchange) {
      const { req, res, target, ticket } = exchange;
      const leave = limits.enter(target.vmId, ticket?.id);
      if (leave === undefined) {
        answerPlain(res, 429, 'Too many WebSockets are open here; close some of them.', { 'Retry-After': '10' });
        return;
      }
      res.once('close', leave);
      relay(exchange, (answer, upstream, upstreamHead) => {
        stopWatch();
        res.off('close', leave);
        openTunnel({ ...exchange, client: req.socket, clientHead, answer, upstream, upstreamHead, onClosed: leave });
      });
    },
    wait: showPage,
  });

  return {
    handle: (req, res, match) => void serve(req, res, match, plainly),
    handleDirect: (req, reply, match) => serve(req, reply, match, directly),
    upgrade(req, _socket, head, match) {
      const res = responseOnSocket(req);
      if (res === undefined) return;
      // Its bytes would be taken for the WebSocket's.
      if (hasBody(req)) answerPlain(res, 400, 'A request to upgrade has no body here.');
      else {
        const stopWatch = watchHangUp(req.socket);
        void serve(req, res, match, isWebSocketUpgrade(req) ? asWebSocket(head, stopWatch) : plainly);
      }
    },
    close: () => pools.close(),
  };
}

function peerOf({ socket }: ReadRequest): string {
  return (socket.remoteAddress ?? '').replace(/^::ffff:(?=[0-9.]+$)/i, '');
}

function answerOtherwise<Req extends ReadRequest, Res extends Reply>(
  req: Req,
  res: Res,
  resolution: Exclude<Resolution, { kind: 'upstream' }>,
  wait: Next<Req, Res>['wait'],
): Served {
  switch (resolution.kind) {
    case 'unavailable': {
      const { retryAfterSeconds, message, sight } = resolution;
      if (wait !== undefined && sight !== undefined && wantsPage(req)) return wait(req, res, sight, retryAfterSeconds);
      answerUnavailable(res, retryAfterSeconds, message);
      break;
    }
    case 'not-http':
      answerPlain(res, resolution.address === undefined ? 404 : 200, notHttpText(resolution));
      break;
    case 'moved': {
      const query = originForm(req.url ?? '').split('?')[1];
      answerPlain(res, 307, '', { Location: query === undefined ? resolution.path : `${resolution.path}?${query}` });
      break;
    }
    case 'not-found':
    case 'denied':
      answerNotHere(res);
  }
  return true;
}

function notHttpText({ port, address }: { port: number; address: string | undefined }): string {
  const what = `Port ${port} of this VM speaks TCP and no HTTP: it is used with its own program, not with a browser.`;
  if (address === undefined) return `${what} It is not forwarded; its owner can do so with addPort.`;
  return `${what} Connect that to ${address}.`;
}

async function withinDeadline(answer: Promise<Resolution>): Promise<Resolution> {
  const late = Promise.withResolvers<never>();
  const expire = () => late.reject(new Error(`No answer within ${RESOLVE_DEADLINE_MS} ms.`));
  const timer = setTimeout(expire, RESOLVE_DEADLINE_MS);
  try {
    return await Promise.race([answer, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
