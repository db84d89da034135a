import { Agent as HttpAgent, request as httpRequest, type ClientRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Upstream } from './resolution.ts';

/** The sockets to one container, and what runs through them. */
export interface TargetPool {
  /** Opens a request; a `kept` one may meet a socket that was used before. Throws for what Node refuses to write. */
  request(to: UpstreamRequest): ClientRequest;
  /** Registers what must end when the target goes, and at `until` (ms since 1970); `end` is called at most once. Returns the release. */
  hold(end: () => void, until?: number): () => void;
}

export interface UpstreamRequest {
  readonly target: Upstream;
  readonly method: string;
  readonly path: string;
  readonly headers: readonly string[];
  readonly kept: boolean;
}

export interface TargetPools {
  /** The pool of a target; undefined once the target is gone or the pools are closed. */
  get(target: Upstream): TargetPool | undefined;
  /** Ends everything that runs and destroys every socket. */
  close(): void;
}

const CONNECT_DEADLINE_MS = 3_000;
/** Below the 5 s after which many servers (Node's among them) close an idle socket: reuse rarely races with their close. */
const KEEP_IDLE_MS = 4_000;
/** Of one container; those that a burst left behind end after their idle time. */
const MAX_IDLE = 256;
const MAX_RESPONSE_HEADER_BYTES = 64 * 1024;
/** How exactly an end in time is kept: one look at all that runs, instead of a timer for each request. */
const EXPIRE_EVERY_MS = 500;

type ClosablePool = TargetPool & { expire(now: number): void; close(): void };

/** Keeps one pool for each target signal, container and scheme, and drops it when the signal aborts. */
export function createTargetPools(): TargetPools {
  const bySignal = new WeakMap<AbortSignal, Map<string, ClosablePool>>();
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
      const pools = bySignal.get(target.signal) ?? new Map<string, ClosablePool>();
      bySignal.set(target.signal, pools);
      const key = `${target.scheme} ${target.ref}`;
      const known = pools.get(key);
      if (known !== undefined) return known;

      const pool = openPool(target.scheme);
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

interface Held {
  readonly end: () => void;
  readonly until: number;
}

function openPool(scheme: Upstream['scheme']): ClosablePool {
  const [Agent, request] = scheme === 'https' ? [HttpsAgent, httpsRequest] : [HttpAgent, httpRequest];
  const tls = { rejectUnauthorized: false };
  const keeping = new Agent({ ...tls, keepAlive: true, timeout: KEEP_IDLE_MS, maxFreeSockets: MAX_IDLE });
  const fresh = new Agent({ ...tls, keepAlive: false });
  const held = new Set<Held>();

  return {
    request({ target: { host, port }, method, path, headers, kept }) {
      const agent = kept ? keeping : fresh;
      const up = request({ host, port, method, path, headers, agent, maxHeaderSize: MAX_RESPONSE_HEADER_BYTES });
      limitConnecting(up, scheme === 'https' ? 'secureConnect' : 'connect');
      return up;
    },
    hold(end, until = Number.POSITIVE_INFINITY) {
      const one = { end, until };
      held.add(one);
      return () => held.delete(one);
    },
    expire(now) {
      for (const one of held) {
        if (one.until > now) continue;
        held.delete(one);
        one.end();
      }
    },
    close() {
      const all = [...held];
      held.clear();
      for (const { end } of all) end();
      keeping.destroy();
      fresh.destroy();
    },
  };
}

function limitConnecting(up: ClientRequest, connected: 'connect' | 'secureConnect'): void {
  up.once('socket', (socket) => {
    if (up.reusedSocket) return;
    const expire = () => up.destroy(new Error(`The app did not accept a connection within ${CONNECT_DEADLINE_MS} ms.`));
    const timer = setTimeout(expire, CONNECT_DEADLINE_MS);
    const stop = () => clearTimeout(timer);
    socket.once(connected, stop);
    up.once('close', stop);
  });
}
