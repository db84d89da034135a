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

/** Less than the 5 s after which many servers (including Node's) close idle connections. */
const KEEP_ALIVE_MS = 4_000;
const CONNECT_DEADLINE_MS = 3_000;
const MAX_RESPONSE_HEADER_BYTES = 64 * 1024;

/** One pool per container and port. Each is destroyed when its target aborts, so it never outlives its container. */
export class AppPools {
  readonly #bySignal = new WeakMap<AbortSignal, Map<string, AppPool>>();
  readonly #open = new Set<AppPool>();
  #isClosed = false;

  /** The pool of a target; undefined if the target has aborted or the pools are closed. */
  get(target: Upstream): AppPool | undefined {
    const { signal } = target;
    if (this.#isClosed || signal.aborted) return undefined;
    const pools = this.#bySignal.get(signal) ?? new Map<string, AppPool>();
    this.#bySignal.set(signal, pools);
    const key = `${target.scheme} ${target.host} ${target.port} ${target.ref}`;
    const known = pools.get(key);
    if (known !== undefined) return known;
    const pool = { kept: createPool(target, 1), fresh: createPool(target, 0) };
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
function createPool({ scheme, host, port }: Upstream, pipelining: 0 | 1): Pool {
  return new Pool(`${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`, {
    pipelining,
    connect: { timeout: CONNECT_DEADLINE_MS, rejectUnauthorized: false },
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
    maxHeaderSize: MAX_RESPONSE_HEADER_BYTES,
    // No deadline: an event stream may be silent for hours.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
}
