import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { pathOf } from '../lib/path-of.ts';
import type { Log } from '../log.ts';
import { answerNotHere, answerPlain, answerUnavailable } from './plain-answer.ts';
import { relayCall } from './relay-call.ts';
import { relay } from './relay.ts';
import { createRequestFacts, type RequestFacts } from './request-facts.ts';
import { hasBody, isWebSocketUpgrade, originForm, type ReadRequest } from './request-target.ts';
import type { Reply } from './reply.ts';
import type { Resolution, Resolve, Sight, Upstream } from './resolution.ts';
import { createSocketLimits } from './socket-limits.ts';
import { createTargetPools, type TargetPool } from './target-pools.ts';
import type { Ticket } from './tickets.ts';
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
  /** For a GET or HEAD that came past the server: true when it is served; false, with nothing done, when it takes more than that. */
  handleDirect(req: ReadRequest, reply: Reply, match: HostMatch): boolean | Promise<boolean>;
  /** For the server's `upgrade` event; `socket` is the request's own. */
  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer, match: HostMatch): void;
  /** Ends every request and WebSocket at once, and answers 503 from then on. */
  close(): void;
}

/** A target to go to, the ticket that opened it where one was needed, and the sockets to it. */
interface WayThrough {
  readonly facts: RequestFacts;
  readonly target: Upstream;
  readonly ticket?: Ticket | undefined;
  readonly pool: TargetPool;
}

/** How a request goes on that is not answered with a sentence. */
interface Next {
  readonly go: (way: WayThrough) => void;
  /** With a page of a VM that cannot be reached now; where there is none, it is a sentence too. */
  readonly wait: ((sight: Sight, retryAfterSeconds: number) => Promise<void> | undefined) | undefined;
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
  const find = (req: ReadRequest, res: Reply, match: HostMatch, next: Next): Promise<void> | undefined => {
    const facts = factsOf(req);
    if (facts.flaw !== undefined) answerPlain(res, facts.flaw.status, facts.flaw.message);
    else if (match.kind !== 'vm') answerNotHere(res);
    else {
      const resolution = ask(req, match, facts);
      if (resolution instanceof Promise) return resolution.then((found) => follow(req, res, facts, found, next));
      return follow(req, res, facts, resolution, next);
    }
    return undefined;
  };

  const follow = (req: ReadRequest, res: Reply, facts: RequestFacts, resolution: Resolution, next: Next): Promise<void> | undefined => {
    if (resolution.kind !== 'upstream') return answerOtherwise(req, res, resolution, next.wait);
    const pool = pools.get(resolution.target);
    if (pool === undefined) answerUnavailable(res, 1, 'The app was stopped just now; try again shortly.');
    else if (!req.socket.destroyed) next.go({ facts, pool, target: resolution.target, ticket: resolution.ticket });
    return undefined;
  };

  const waitHere = (req: IncomingMessage, res: ServerResponse): Next['wait'] =>
    room === undefined ? undefined : (sight, retryAfterSeconds) => room.show(req, res, sight, retryAfterSeconds);

  const serve = (req: IncomingMessage, res: ServerResponse, match: HostMatch) => {
    const go = (way: WayThrough) => {
      if (way.facts.hasBody) relay({ ...way, req, res, log, headers: way.facts.headersFor(way.target.strip), onUpgrade: undefined });
      else relayCall({ ...way, req, res, log, lines: way.facts.linesFor(way.target.strip) });
    };
    return find(req, res, match, { go, wait: waitHere(req, res) });
  };

  const serveWebSocket = (req: IncomingMessage, res: ServerResponse, clientHead: Buffer, match: HostMatch, stopWatch: () => void) => {
    const go = (way: WayThrough) => {
      const leave = limits.enter(way.target.vmId, way.ticket?.id);
      if (leave === undefined) {
        answerPlain(res, 429, 'Too many WebSockets are open here; close some of them.', { 'Retry-After': '10' });
        return;
      }
      res.once('close', leave);
      const onUpgrade: Parameters<typeof relay>[0]['onUpgrade'] = (answer, upstream, upstreamHead) => {
        stopWatch();
        res.off('close', leave);
        openTunnel({ ...way, res, client: req.socket, clientHead, answer, upstream, upstreamHead, onClosed: leave });
      };
      relay({ ...way, req, res, headers: way.facts.headersFor(way.target.strip, 'websocket'), onUpgrade, log });
    };
    return find(req, res, match, { go, wait: waitHere(req, res) });
  };

  /** The last resort, so that a fault of ours ends one request and not the process. */
  const guard = (res: Reply, work: () => Promise<void> | undefined): Promise<void> | undefined => {
    const fail = (err: unknown) => {
      log.error({ err }, 'The ingress failed to serve a request');
      res.destroy();
    };
    try {
      return work()?.catch(fail);
    } catch (err) {
      fail(err);
      return undefined;
    }
  };

  return {
    handle: (req, res, match) => void guard(res, () => serve(req, res, match)),
    handleDirect(req, reply, match) {
      let isTaken = true;
      const go = (way: WayThrough) => relayCall({ ...way, req, res: reply, log, lines: way.facts.linesFor(way.target.strip) });
      const wait = () => void (isTaken = false);
      const under = guard(reply, () => find(req, reply, match, { go, wait: room && wait }));
      return under === undefined ? isTaken : under.then(() => isTaken);
    },
    upgrade(req, _socket, head, match) {
      const res = responseOnSocket(req);
      if (res === undefined) return;
      // Its bytes would be taken for the WebSocket's.
      if (hasBody(req)) answerPlain(res, 400, 'A request to upgrade has no body here.');
      else {
        const stopWatch = watchHangUp(req.socket);
        void guard(res, () => (isWebSocketUpgrade(req) ? serveWebSocket(req, res, head, match, stopWatch) : serve(req, res, match)));
      }
    },
    close: () => pools.close(),
  };
}

function peerOf({ socket }: ReadRequest): string {
  return (socket.remoteAddress ?? '').replace(/^::ffff:(?=[0-9.]+$)/i, '');
}

function answerOtherwise(
  req: ReadRequest,
  res: Reply,
  resolution: Exclude<Resolution, { kind: 'upstream' }>,
  wait: Next['wait'],
): Promise<void> | undefined {
  switch (resolution.kind) {
    case 'unavailable': {
      const { retryAfterSeconds, message, sight } = resolution;
      if (wait !== undefined && sight !== undefined && wantsPage(req)) return wait(sight, retryAfterSeconds);
      answerUnavailable(res, retryAfterSeconds, message);
      return;
    }
    case 'not-http':
      answerPlain(res, resolution.address === undefined ? 404 : 200, notHttpText(resolution));
      return;
    case 'moved': {
      const query = originForm(req.url ?? '').split('?')[1];
      answerPlain(res, 307, '', { Location: query === undefined ? resolution.path : `${resolution.path}?${query}` });
      return;
    }
    case 'not-found':
    case 'denied':
      answerNotHere(res);
  }
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
