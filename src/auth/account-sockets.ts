import { ApiError } from '../errors.ts';
import type { Viewer } from '../audit/viewer.ts';

/** Counts the live connections (WebSockets and event streams) of each account on this gateway. */
export interface AccountSockets {
  /** Counts a connection; throws RATE_LIMITED, without counting it, at the limit. */
  open(viewer: Viewer): void;
  /** Call once for each counted connection. */
  close(viewer: Viewer): void;
}

/** By then another connection may have closed; half-open ones close within 24 s. */
const RETRY_AFTER_SECONDS = 5;

export function createAccountSockets(limit: number): AccountSockets {
  const counts = new Map<string, number>();
  return {
    open({ userId }) {
      const count = counts.get(userId) ?? 0;
      if (count >= limit) {
        throw new ApiError('RATE_LIMITED', `An account has at most ${limit} live connections; close one first.`, {
          retryAfterSeconds: RETRY_AFTER_SECONDS,
        });
      }
      counts.set(userId, count + 1);
    },
    close({ userId }) {
      const left = (counts.get(userId) ?? 0) - 1;
      if (left > 0) counts.set(userId, left);
      else counts.delete(userId);
    },
  };
}
