import { createClient, type Client } from 'graphql-ws/client';
import type { SwiftorClientOptions } from './options.ts';
import { backoff, pause } from './pause.ts';
import { SwiftorError } from './swiftor-error.ts';

const PING_EVERY_MS = 10_000;
const PONG_WITHIN_MS = 5_000;
const ACK_WITHIN_MS = 10_000;
/** The token is refused, or has expired. */
const FORBIDDEN = 4403;
/** A fresh token may be a moment too old; three in a row are not. */
const MAX_REFUSALS = 3;

export interface Socket {
  readonly client: Client;
  /** Why a subscription ended that the client does not repeat. */
  toError(problem: unknown): SwiftorError;
}

/**
 * The WebSocket of a client. It opens with the first subscription, closes after the last, and connects again for as long
 * as there is one. Subscriptions read their variables anew each time.
 */
export function openSocket({ url, token, onConnection, webSocketImpl }: SwiftorClientOptions): Socket {
  /** Tokens that were refused one after the other. */
  let refusals = 0;
  let isSignedOut = false;
  let isConnected = false;
  let pongTimer: ReturnType<typeof setTimeout> | undefined;
  const setConnected = (value: boolean): void => {
    if (isConnected === value) return;
    isConnected = value;
    onConnection?.(value);
  };

  const client = createClient({
    url: `${url.replace(/^http/, 'ws').replace(/\/$/, '')}/graphql`,
    async connectionParams() {
      try {
        const value = await token();
        isSignedOut = !value;
        if (value) return { authorization: `Bearer ${value}` };
      } catch {
        // Tried again like a cut.
      }
      // A throw would close the socket with a code that arrives later, at the next connection.
      client.terminate();
      return undefined;
    },
    retryAttempts: Number.POSITIVE_INFINITY,
    retryWait: (retries) => pause(backoff(retries)),
    shouldRetry: () => !isSignedOut && refusals < MAX_REFUSALS,
    connectionAckWaitTimeout: ACK_WITHIN_MS,
    keepAlive: PING_EVERY_MS,
    ...(webSocketImpl !== undefined && { webSocketImpl }),
    on: {
      connected() {
        refusals = 0;
        setConnected(true);
      },
      // Without an answer the connection is dead, even if nothing says so.
      ping(isReceived) {
        if (!isReceived) pongTimer ??= setTimeout(() => client.terminate(), PONG_WITHIN_MS);
      },
      pong: stopWaiting,
      closed(event) {
        stopWaiting();
        if (!isConnected && codeOf(event) === FORBIDDEN) refusals += 1;
        setConnected(false);
      },
    },
  });

  function stopWaiting(): void {
    clearTimeout(pongTimer);
    pongTimer = undefined;
  }

  function toError(problem: unknown): SwiftorError {
    if (isSignedOut) return new SwiftorError('UNAUTHENTICATED', 'There is no token: nobody is signed in.');
    const code = codeOf(problem);
    if (code === FORBIDDEN) return new SwiftorError('UNAUTHENTICATED', 'The gateway refuses the token.');
    const reason = isObject(problem) && typeof problem['reason'] === 'string' ? problem['reason'] : '';
    const message = `The gateway has closed the connection: ${code} ${reason}`.trim();
    return new SwiftorError('REFUSED', message, { cause: problem });
  }

  return { client, toError };
}

function codeOf(event: unknown): number {
  return isObject(event) && typeof event['code'] === 'number' ? event['code'] : 0;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
