import { ApiError } from '../errors.ts';
import type { Viewer } from '../audit/viewer.ts';

/** The live connections of each account on this gateway: WebSockets and event streams alike. */
export interface AccountSockets {
  /** Counts one; RATE_LIMITED, and nothing counted, when the account has as many as it may. */
  open(viewer: Viewer): void;
  /** Ends one that was counted. */
  close(viewer: Viewer): void;
}

/** When another one may have been closed: those that are half-open end within 24 s. */
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
