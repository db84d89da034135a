import type { ServerResponse } from 'node:http';
import type { Viewer } from '../audit/viewer.ts';
import { ApiError } from '../errors.ts';
import type { AccountSockets } from './account-sockets.ts';

/** The longest delay of setTimeout. */
const MAX_TIMER_MS = 2 ** 31 - 1;

interface StreamAdmissionOptions {
  /** Aborts when the gateway shuts down. */
  readonly closing: AbortSignal;
  readonly sockets: AccountSockets;
}

/** Admits event streams. Each counts as a live connection of its account, like a WebSocket, until it closes. */
export class StreamAdmission {
  readonly #options: StreamAdmissionOptions;

  constructor(options: StreamAdmissionOptions) {
    this.#options = options;
  }

  /**
   * Counts a stream, and returns the signal that ends it: when its token expires or is revoked, or the gateway shuts
   * down. Throws
   * RATE_LIMITED if the account has too many, UNAVAILABLE while the gateway shuts down.
   */
  admit(reply: ServerResponse, viewer: Viewer): AbortSignal {
    const { closing, sockets } = this.#options;
    // The client has already left; `close` will not fire again.
    if (reply.destroyed) return AbortSignal.abort();
    if (closing.aborted) throw new ApiError('UNAVAILABLE', 'This gateway is shutting down; connect again.');
    sockets.open(viewer);
    const ending = new AbortController();
    const end = (): void => ending.abort();
    const left = Math.min(Math.max(0, viewer.expiresAt - Date.now()), MAX_TIMER_MS);
    const expiry = setTimeout(end, left).unref();
    closing.addEventListener('abort', end);
    const revoked = viewer.token?.revoked;
    revoked?.addEventListener('abort', end);
    if (revoked?.aborted === true) end();
    reply.once('close', () => {
      sockets.close(viewer);
      clearTimeout(expiry);
      closing.removeEventListener('abort', end);
      revoked?.removeEventListener('abort', end);
    });
    return ending.signal;
  }
}
