import { ApiError } from '../errors.ts';
import type { Viewer } from '../audit/viewer.ts';
import { countRefusal, measures } from '../measures.ts';

/** By then another connection may have closed; half-open ones close within 24 s. */
const RETRY_AFTER_SECONDS = 5;

/** Counts the live connections (WebSockets and event streams) of each account on this gateway. */
export class AccountSockets {
  readonly #limit: number;
  readonly #counts = new Map<string, number>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Counts a connection; throws RATE_LIMITED, without counting it, at the limit. */
  open({ userId }: Viewer): void {
    const count = this.#counts.get(userId) ?? 0;
    if (count >= this.#limit) {
      countRefusal('live_connections');
      throw new ApiError('RATE_LIMITED', `An account has at most ${this.#limit} live connections; close one first.`, {
        retryAfterSeconds: RETRY_AFTER_SECONDS,
      });
    }
    measures.liveConnections.inc();
    this.#counts.set(userId, count + 1);
  }

  /** Call once for each counted connection. */
  close({ userId }: Viewer): void {
    measures.liveConnections.dec();
    const left = (this.#counts.get(userId) ?? 0) - 1;
    if (left > 0) this.#counts.set(userId, left);
    else this.#counts.delete(userId);
  }
}
