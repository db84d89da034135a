import { Agent as HttpAgent, request as httpRequest, type ClientRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { createAppSockets, type AppSockets } from './app-sockets.ts';
import type { Upstream } from './resolution.ts';

/** The sockets to one port of one container, and what runs through them. */
export interface TargetPool {
  /** For requests without a body. */
  readonly send: AppSockets['send'];
  /** Opens a request with a body or to upgrade, on a socket of its own. Throws for what Node refuses to write. */
  request(to: UpstreamRequest): ClientRequest;
  hold(one: Held): void;
  /** What is over by itself. Any number of times. */
  release(one: Held): void;
}

/** What must end when its target goes, and at a time. */
export interface Held {
  /** Called at most once, when it is not held any more. */
  end(): void;
  /** In ms since 1970; undefined: at none but its target's. */
  readonly until: number | undefined;
  /** The pool's own: its place among all that it holds, -1 while it is not held. */
  place: number;
}

export interface UpstreamRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly string[];
}

export interface TargetPools {
  /** The pool of a target; undefined once the target is gone or the pools are closed. */
  get(target: Upstream): TargetPool | undefined;
  /** Ends everything that runs and destroys every socket. */
  close(): void;
}

const CONNECT_DEADLINE_MS = 3_000;
const MAX_RESPONSE_HEADER_BYTES = 64 * 1024;
/** How exactly an end in time is kept: one look at all that runs and all that is kept, instead of a timer for each request. */
const EXPIRE_EVERY_MS = 500;

type ClosablePool = TargetPool & { expire(now: number): void; close(): void };

/** Keeps one pool for each target signal, container and port, and drops it when the signal aborts. */
export function createTargetPools(): TargetPools {
  const bySignal = new WeakMap<AbortSignal, Map<string, ClosablePool>>();
  /** What the same object led to before, which saves each request a key. */
  const byTarget = new WeakMap<Upstream, ClosablePool>();
  const open = new Set<ClosablePool>();
  let closed = false;
  const expiry = setInterval(() => {
    const now = Date.now();
    for (const pool of open) pool.expire(now);
  }, EXPIRE_EVERY_MS);
  expiry.unref();

  return {
    get(target) {
      if (closed || target.signal.aborted) return undefined;
      const before = byTarget.get(target);
      if (before !== undefined) return before;
      const pools = bySignal.get(target.signal) ?? new Map<string, ClosablePool>();
      bySignal.set(target.signal, pools);
      const key = `${target.scheme} ${target.host} ${target.port} ${target.ref}`;
      const known = pools.get(key);
      const pool = known ?? openPool(target);
      byTarget.set(target, pool);
      if (known !== undefined) return known;

      pools.set(key, pool);
      open.add(pool);
      const drop = () => {
        open.delete(pool);
        pool.close();
      };
      target.signal.addEventListener('abort', drop, { once: true });
      return pool;
    },
    close() {
      closed = true;
      clearInterval(expiry);
      for (const pool of open) pool.close();
      open.clear();
    },
  };
}

function openPool(target: Upstream): ClosablePool {
  const { scheme, host, port } = target;
  const [Agent, request] = scheme === 'https' ? [HttpsAgent, httpsRequest] : [HttpAgent, httpRequest];
  const agent = new Agent({ rejectUnauthorized: false, keepAlive: false });
  const sockets = createAppSockets(target);
  // No Set: one that is added to and taken from for each request leaves a chain of its own older tables, each of which holds what was
  // in it then. Once the oldest has outlived a collection, all of them do: a fifth of all memory, and pauses of 10 ms instead of 0.5.
  const held: Held[] = [];
  const release = (one: Held): void => {
    const last = held.at(-1);
    if (one.place === -1 || last === undefined) return;
    held[one.place] = last;
    last.place = one.place;
    held.pop();
    one.place = -1;
  };

  return {
    send: sockets.send,
    request({ method, path, headers }) {
      const up = request({ host, port, method, path, headers, agent, maxHeaderSize: MAX_RESPONSE_HEADER_BYTES });
      limitConnecting(up, scheme === 'https' ? 'secureConnect' : 'connect');
      return up;
    },
    hold(one) {
      one.place = held.length;
      held.push(one);
    },
    release,
    expire(now) {
      sockets.expire();
      for (const one of held.filter(({ until }) => until !== undefined && until <= now)) {
        release(one);
        one.end();
      }
    },
    close() {
      for (let one = held.pop(); one !== undefined; one = held.pop()) {
        one.place = -1;
        one.end();
      }
      sockets.close();
      agent.destroy();
    },
  };
}

function limitConnecting(up: ClientRequest, connected: 'connect' | 'secureConnect'): void {
  up.once('socket', (socket) => {
    const expire = () => up.destroy(new Error(`The app did not accept a connection within ${CONNECT_DEADLINE_MS} ms.`));
    const timer = setTimeout(expire, CONNECT_DEADLINE_MS);
    const stop = () => clearTimeout(timer);
    socket.once(connected, stop);
    up.once('close', stop);
  });
}
