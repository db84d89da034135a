import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { buildConnector, errors, Pool } from 'undici';
import type { Upstream } from '../routing/resolution.ts';

/** The connections to one port of one container. */
export interface AppPool {
  /** Keep-alive connections, for requests that may be retried: an app may close one while it is being used. */
  readonly kept: Pool;
  /** A new connection for each request. */
  readonly fresh: Pool;
}

/** The error of requests whose target has aborted. */
export class TargetGoneError extends Error {
  override readonly name = 'TargetGoneError';
}

/** Opens a connection to a target. The socket has an error listener. */
export type Dial = (target: Upstream) => Socket;

export interface PoolTimes {
  /** Deadline to connect, including the TLS handshake. */
  readonly connectMs: number;
  /** How long an idle connection is kept. */
  readonly keepAliveMs: number;
}

const MAX_RESPONSE_HEADER_BYTES = 64 * 1024;

/** One pool per container and port. Each is destroyed when its target aborts, so it never outlives its container. */
export class AppPools {
  readonly #times: PoolTimes;
  readonly #dial: Dial;
  readonly #bySignal = new WeakMap<AbortSignal, Map<string, AppPool>>();
  readonly #open = new Set<AppPool>();
  #isClosed = false;

  constructor(times: PoolTimes, dial: Dial) {
    this.#times = times;
    this.#dial = dial;
  }

  /** The pool of a target; undefined if the target has aborted or the pools are closed. */
  get(target: Upstream): AppPool | undefined {
    const { signal } = target;
    if (this.#isClosed || signal.aborted) return undefined;
    const pools = this.#bySignal.get(signal) ?? new Map<string, AppPool>();
    this.#bySignal.set(signal, pools);
    const key = `${target.scheme} ${target.node ?? ''} ${target.host} ${target.port} ${target.ref}`;
    const known = pools.get(key);
    if (known !== undefined) return known;
    const connect = createConnector(target, this.#dial, this.#times.connectMs);
    const pool = {
      kept: createPool(target, 1, connect, this.#times),
      fresh: createPool(target, 0, connect, this.#times),
    };
    pools.set(key, pool);
    this.#open.add(pool);
    signal.addEventListener('abort', () => this.#destroy(pool), { once: true });
    return pool;
  }

  /** Ends every request and destroys every connection. */
  close(): void {
    this.#isClosed = true;
    for (const pool of this.#open) this.#destroy(pool);
  }

  #destroy(pool: AppPool): void {
    this.#open.delete(pool);
    for (const each of [pool.kept, pool.fresh])
      each.destroy(new TargetGoneError('The target is gone.')).catch(() => undefined);
  }
}

/** With `pipelining` 0, a connection serves only one request. */
function createPool(
  { scheme, host, port }: Upstream,
  pipelining: 0 | 1,
  connect: buildConnector.connector,
  { keepAliveMs }: PoolTimes,
): Pool {
  return new Pool(`${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`, {
    pipelining,
    connect,
    keepAliveTimeout: keepAliveMs,
    keepAliveMaxTimeout: keepAliveMs,
    maxHeaderSize: MAX_RESPONSE_HEADER_BYTES,
    // No deadline: an event stream may be silent for hours.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
}

/** Connects as undici does, over a socket that `dial` opens. */
function createConnector(target: Upstream, dial: Dial, timeout: number): buildConnector.connector {
  const secure = buildConnector({ timeout, rejectUnauthorized: false });
  return (options, callback) => {
    let socket: Socket;
    try {
      socket = dial(target);
    } catch (error) {
      // undici does not expect a connector that throws.
      queueMicrotask(() => callback(error as Error, null));
      return;
    }
    if (target.scheme === 'https') return secure({ ...options, httpSocket: socket }, callback);
    const late = () => socket.destroy(new errors.ConnectTimeoutError(`The app did not accept within ${timeout} ms.`));
    const timer = setTimeout(late, timeout);
    const settle = (error: Error | null) => {
      clearTimeout(timer);
      socket.off('error', settle);
      if (error === null) callback(null, socket);
      else callback(error, null);
    };
    socket.once('error', settle).once(socket instanceof TLSSocket ? 'secureConnect' : 'connect', () => settle(null));
  };
}
