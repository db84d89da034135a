import { setInterval } from 'node:timers';
import { isTokenScope, type Viewer } from '../../audit/viewer.ts';
import { isDatabaseUnavailable } from '../../db/database-errors.ts';
import type { Db } from '../../db/database.ts';
import type { Listener } from '../../db/listen.ts';
import { ApiError } from '../../errors.ts';
import { BatchedCalls } from '../../lib/concurrency/batched-calls.ts';
import type { Log } from '../../log.ts';
import { hashApiToken } from './api-token.ts';
import { findApiTokens, findRevoked, noteUses, type StoredToken } from './api-token-store.ts';
import { LiveTokens } from './live-tokens.ts';

/** For a lost notification. */
const CHECK_EVERY_MS = 5_000;
const MAX_CACHED = 10_000;
/** Statements at a time, which take a connection each: made-up tokens cannot take those that requests need. */
const LIMITS = { atOnce: 2, keys: 100 } as const;

interface VerifierOptions {
  readonly db: Db;
  readonly listener: Pick<Listener, 'on' | 'onResync'>;
  readonly log: Log;
}

/**
 * Verifies API tokens, and caches those that it has verified.
 *
 * INVARIANTS
 * - A revocation notifies every gateway, and a check every 5 s finds one whose notification was lost. Either removes
 *   the token from the cache and aborts `Viewer.token.revoked`, by which live connections end.
 * - A token that is revoked while it is read from the database is read again.
 */
export class ApiTokenVerifier {
  readonly #options: VerifierOptions;
  readonly #cache = new Map<string, Viewer>();
  readonly #live = new LiveTokens();
  readonly #used = new Set<string>();
  readonly #stored: BatchedCalls<Buffer, StoredToken | undefined>;
  readonly #unlisten: readonly (() => void)[];
  readonly #timer: NodeJS.Timeout;
  #revocations = 0;
  #checking: Promise<void> | undefined;

  constructor(options: VerifierOptions) {
    this.#options = options;
    const { db, listener } = options;
    this.#stored = new BatchedCalls(async (hashes) => {
      const found = await findApiTokens(db, hashes);
      return (hash) => found.get(hash.toString('base64'));
    }, LIMITS);
    this.#unlisten = [listener.on('api_token', (id) => this.#revoke(id)), listener.onResync(() => void this.#check())];
    this.#timer = setInterval(() => void this.#check(), CHECK_EVERY_MS).unref();
  }

  /** UNAUTHENTICATED for a token that is unknown, revoked or expired; UNAVAILABLE without the database. */
  async verify(token: string): Promise<Viewer> {
    const hash = hashApiToken(token);
    const key = hash.toString('base64');
    const cached = this.#cache.get(key);
    this.#cache.delete(key);
    const viewer = cached !== undefined && cached.expiresAt > Date.now() ? cached : await this.#read(hash);
    // The most recently used come last.
    this.#cache.set(key, viewer);
    for (const oldest of this.#cache.keys()) {
      if (this.#cache.size <= MAX_CACHED) break;
      this.#cache.delete(oldest);
    }
    if (viewer.token !== undefined) this.#used.add(viewer.token.id);
    return viewer;
  }

  async #read(hash: Buffer): Promise<Viewer> {
    for (;;) {
      const before = this.#revocations;
      const row = await this.#stored.call(hash).catch((error: unknown) => {
        throw isDatabaseUnavailable(error) ? new ApiError('UNAVAILABLE', undefined, { cause: error }) : error;
      });
      if (row === undefined || !isTokenScope(row.scope)) throw new ApiError('UNAUTHENTICATED');
      if (before !== this.#revocations) continue;
      const { id, userId, scope, serviceAccount, expiresAt } = row;
      return {
        userId,
        scope,
        token: this.#live.stateOf(id),
        expiresAt: expiresAt.getTime(),
        ...(serviceAccount !== null && { serviceAccount }),
      };
    }
  }

  #revoke(id: string): void {
    this.#revocations += 1;
    for (const [key, { token }] of this.#cache) if (token?.id === id) this.#cache.delete(key);
    this.#live.revoke(id);
  }

  /** Looks for lost notifications, and stores what was used. One at a time. */
  #check(): Promise<void> {
    this.#checking ??= this.#checkNow().finally(() => (this.#checking = undefined));
    return this.#checking;
  }

  async #checkNow(): Promise<void> {
    const { db, log } = this.#options;
    const used = [...this.#used];
    this.#used.clear();
    try {
      const ids = this.#live.ids();
      for (const id of ids.length === 0 ? [] : await findRevoked(db, ids)) this.#revoke(id);
      if (used.length > 0) await noteUses(db, used);
    } catch (error) {
      for (const id of used) this.#used.add(id);
      if (!isDatabaseUnavailable(error)) log.warn({ err: error }, 'failed to check API tokens; trying again');
    }
  }

  /** Stores the last uses. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    for (const stop of this.#unlisten) stop();
    await this.#checking;
    await this.#check();
  }
}
