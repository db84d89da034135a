import { ApiError } from '../errors.ts';
import { createSlots } from '../lib/slots.ts';
import type { Viewer } from './viewer.ts';

/** The live connections of each account on this gateway: WebSockets and event streams alike. */
export interface AccountSockets {
  /** Counts one, and answers with what ends it, which may be called twice. RATE_LIMITED when the account has as many as it may. */
  open(viewer: Viewer): () => void;
}

/** When another one may have been closed: those that are half-open end within 24 s. */
const RETRY_AFTER_SECONDS = 5;

export function createAccountSockets(limit: number): AccountSockets {
  const slots = createSlots<string>(limit);
  return {
    open({ userId }) {
      const release = slots.acquire(userId);
      if (release !== undefined) return release;
      throw new ApiError('RATE_LIMITED', `An account has at most ${limit} live connections; close one first.`, {
        retryAfterSeconds: RETRY_AFTER_SECONDS,
      });
    },
  };
}
