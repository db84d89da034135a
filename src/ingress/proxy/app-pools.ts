import { Pool } from 'undici';
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
  readonly #bySignal = new WeakMap<AbortSignal, Map<string, AppPool>>();
  readonly #open = new Set<AppPool>();
  #isClosed = false;

  constructor(times: PoolTimes) {
    this.#times = times;
  }

  /** The pool of a target; undefined if the target has aborted or the pools are closed. */
  get(target: Upstream): AppPool | undefined {
    const { signal } = target;
    if (this.#isClosed || signal.aborted) return undefined;
    const pools = this.#bySignal.get(signal) ?? new Map<string, AppPool>();
    this.#bySignal.set(signal, pools);
    const key = `${target.scheme} ${target.host} ${target.port} ${target.ref}`;
    const known = pools.get(key);
    if (known !== undefined) return known;
    const pool = { kept: createPool(target, 1, this.#times), fresh: createPool(target, 0, this.#times) };
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
function createPool({ scheme, host, port }: Upstream, pipelining: 0 | 1, { connectMs, keepAliveMs }: PoolTimes): Pool {
  return new Pool(`${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`, {
    pipelining,
    connect: { timeout: connectMs, rejectUnauthorized: false },
    keepAliveTimeout: keepAliveMs,
    keepAliveMaxTimeout: keepAliveMs,
    maxHeaderSize: MAX_RESPONSE_HEADER_BYTES,
    // No deadline: an event stream may be silent for hours.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
}
