import { CloseCode, type makeServer } from 'graphql-ws';
import type { WebSocket } from 'ws';
import { SLOW_READER_REASON } from '../events/event-reader.ts';
import { takeToken } from '../lib/token-buckets.ts';
import type { Log } from '../log.ts';

/** Our own code beside the protocol's: the reader fell too far behind; it may reconnect and resume with `after`. */
export const SLOW_READER_CODE = 4490;
/** Too much of anything: sockets of an account, messages on a socket. The protocol's own code for too many connection_inits. */
export const TOO_MANY_CODE = CloseCode.TooManyInitialisationRequests;
/** Messages and pings on one socket; ten seconds' worth may come at once. */
export const MESSAGES_PER_SECOND = 100;
const MESSAGES = { perSecond: MESSAGES_PER_SECOND, burst: 10 * MESSAGES_PER_SECOND } as const;
/** A connection_init holds a token and little else; nobody is known before it. */
export const MAX_INIT_BYTES = 8 * 1024;
/** Of answers that a client asked for and does not read. */
const MOST_UNSENT_BYTES = 4 * 1024 * 1024;

/**
 * A socket as the protocol wants it, closed when its client sends more than a client does: 4400 for a connection_init past 8 KiB, 4429
 * past 100 messages a second, 4490 when it asks on without reading its answers.
 */
export function protocolSocket(
  socket: WebSocket,
  isKnown: () => boolean,
  log: Log,
): Parameters<ReturnType<typeof makeServer>['opened']>[0] {
  let fullAt = 0;
  const isTaken = (bytes: number): boolean => {
    // What comes after a close is not looked at any more.
    if (socket.readyState !== socket.OPEN) return false;
    const taken = takeToken(fullAt, performance.now(), MESSAGES);
    if ('missing' in taken) {
      socket.close(TOO_MANY_CODE, 'Too many messages');
      return false;
    }
    ({ fullAt } = taken);
    if (!isKnown() && bytes > MAX_INIT_BYTES) socket.close(CloseCode.BadRequest, 'The connection_init is too large');
    else if (socket.bufferedAmount > MOST_UNSENT_BYTES) socket.close(SLOW_READER_CODE, SLOW_READER_REASON);
    else return true;
    return false;
  };
  // The library answers each with a pong, whether the client reads or not.
  socket.on('ping', (data) => void isTaken(data.length));

  return {
    protocol: socket.protocol,
    send: (message) =>
      new Promise((resolve) => {
        if (socket.readyState === socket.OPEN) socket.send(message, () => resolve());
        else resolve();
      }),
    close: (code, reason) => socket.close(code, reason),
    onMessage: (handle) =>
      socket.on('message', (data) => {
        // ws's default binaryType: a message is one Buffer.
        const message = data as Buffer;
        if (!isTaken(message.length)) return;
        handle(message.toString('utf8')).catch((error: unknown) => {
          // The library's word for a message that only a server sends.
          if (error instanceof Error && error.message.startsWith('Unexpected message of type')) {
            socket.close(CloseCode.BadRequest, 'Invalid message received');
            return;
          }
          log.error({ err: error }, 'a message of a WebSocket could not be handled');
          socket.close(CloseCode.InternalServerError, 'Internal server error');
        });
      }),
  };
}
