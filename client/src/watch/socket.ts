import { createClient, type Client } from 'graphql-ws/client';
import type { SwiftorClientOptions } from '../options.ts';
import { backoff, pause } from './pause.ts';
import { SwiftorError } from '../swiftor-error.ts';

const PING_EVERY_MS = 10_000;
const PONG_WITHIN_MS = 5_000;
/** Runtimes wait for minutes for a handshake that gets no answer. */
const OPEN_WITHIN_MS = 10_000;
const ACK_WITHIN_MS = 10_000;
/** The token is refused, or has expired. */
const FORBIDDEN = 4403;
/** An issuer may return an old token for a while; six in a row, over several seconds, are refused for good. */
const MAX_REFUSALS = 6;

export interface Socket {
  readonly client: Client;
  /** Why a subscription ended that the client does not repeat. */
  toError(problem: unknown): SwiftorError;
}

/**
 * The WebSocket of a client. It opens with the first subscription, closes after the last, and connects again for as
 * long as there is one. Subscriptions read their variables anew each time.
 */
export function openSocket({ url, token, onConnection, webSocketImpl }: SwiftorClientOptions): Socket {
  /** Tokens that were refused one after the other. */
  let refusals = 0;
  let isSignedOut = false;
  let isConnected = false;
  /** Until the socket opens, or the next pong comes. */
  let silenceTimer: ReturnType<typeof setTimeout> | undefined;
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
      connecting: () => expectWithin(OPEN_WITHIN_MS),
      opened: stopWaiting,
      connected() {
        refusals = 0;
        setConnected(true);
      },
      // Without an answer the connection is dead, even if nothing says so.
      ping(isReceived) {
        if (!isReceived) expectWithin(PONG_WITHIN_MS);
      },
      pong: stopWaiting,
      closed(event) {
        stopWaiting();
        if (!isConnected && codeOf(event) === FORBIDDEN) refusals += 1;
        setConnected(false);
      },
    },
  });

  function expectWithin(milliseconds: number): void {
    silenceTimer ??= setTimeout(() => client.terminate(), milliseconds);
  }

  function stopWaiting(): void {
    clearTimeout(silenceTimer);
    silenceTimer = undefined;
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
