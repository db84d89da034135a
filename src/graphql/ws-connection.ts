import { CloseCode } from 'graphql-ws';
import { WebSocket } from 'ws';
import type { Actor } from '../auth/viewer.ts';
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
const INIT_TIMEOUT_MS = 5_000;
/** A client that is gone without a word, no FIN ever came, is found out within two of these. */
const PING_EVERY_MS = 12_000;

/** A socket that knows whose it is, so that one listener serves them all. */
export class ClientSocket extends WebSocket {
  connection: WsConnection | undefined;
}

/**
 * A client's WebSocket as the protocol wants it, and all that is known of it: one object and no function of its own, for there are
 * thousands, and most of them wait for hours. Closed when its client sends more than a client does: 4400 for a connection_init past
 * 8 KiB, 4429 past 100 messages a second, 4490 when it asks on without reading its answers.
 */
export class WsConnection {
  readonly socket: ClientSocket;
  /** The address that it comes from. */
  readonly from: string;
  /** How many subscriptions run on it. */
  subscriptions = 0;
  /** Tells the protocol of its end. */
  closed: ((code: number, reason: string) => Promise<void>) | undefined;
  readonly #log: Log;
  /** When its token must have come, and from then on when it is pinged next; by the monotonic clock in ms. */
  #dueAt = performance.now() + INIT_TIMEOUT_MS;
  /** A ping has had no answer yet. */
  #isSilent = false;
  #messagesFullAt = 0;
  #viewer: Actor | undefined;
  #handle: ((message: string) => Promise<void>) | undefined;

  constructor(socket: ClientSocket, from: string, log: Log) {
    this.socket = socket;
    this.from = from;
    this.#log = log;
    socket.connection = this;
    socket.on('message', onMessage);
    socket.on('ping', onPing);
    socket.on('pong', onPong);
    // The reason of the close that follows: a frame that is no frame, a message that is too long.
    socket.on('error', ignore);
  }

  /** Whose it is, once its token was verified. */
  get viewer(): Actor | undefined {
    return this.#viewer;
  }

  accept(viewer: Actor): void {
    this.#viewer = viewer;
    // At any time of the period: thousands that came at once are not pinged at once.
    this.#dueAt = performance.now() + Math.random() * PING_EVERY_MS;
  }

  get protocol(): string {
    return this.socket.protocol;
  }

  send(message: string): Promise<void> {
    return new Promise((resolve) => {
      if (this.socket.readyState === WebSocket.OPEN) this.socket.send(message, () => resolve());
      else resolve();
    });
  }

  close(code: number, reason: string): void {
    this.socket.close(code, reason);
  }

  onMessage(handle: (message: string) => Promise<void>): void {
    this.#handle = handle;
  }

  /** Cuts a reader that is too far behind. */
  cut(): void {
    this.close(SLOW_READER_CODE, SLOW_READER_REASON);
  }

  /** A look at it, which comes to all of them several times a second: whether its token has ended, or never came, and whether it still lives. */
  look(now: number): void {
    if (this.socket.readyState !== WebSocket.OPEN) return;
    if (this.#viewer !== undefined && this.#viewer.expiresAt <= Date.now()) this.close(CloseCode.Forbidden, 'The token has expired');
    else if (now < this.#dueAt) return;
    else if (this.#viewer === undefined) this.close(CloseCode.ConnectionInitialisationTimeout, 'Connection initialisation timeout');
    else if (this.#isSilent) this.socket.terminate();
    else {
      this.#dueAt = now + PING_EVERY_MS;
      this.#isSilent = true;
      this.socket.ping();
    }
  }

  answered(): void {
    this.#isSilent = false;
  }

  receive(message: Buffer): void {
    if (!this.takes(message.length)) return;
    this.#handle?.(message.toString('utf8')).catch((error: unknown) => this.#fail(error));
  }

  #fail(error: unknown): void {
    // The library's word for a message that only a server sends.
    if (error instanceof Error && error.message.startsWith('Unexpected message of type')) {
      this.close(CloseCode.BadRequest, 'Invalid message received');
      return;
    }
    this.#log.error({ err: error }, 'a message of a WebSocket could not be handled');
    this.close(CloseCode.InternalServerError, 'Internal server error');
  }

  /** Whether something more from the client is looked at; closes it where it is too much. */
  takes(bytes: number): boolean {
    // What comes after a close is not looked at any more.
    if (this.socket.readyState !== WebSocket.OPEN) return false;
    const taken = takeToken(this.#messagesFullAt, performance.now(), MESSAGES);
    if ('missing' in taken) {
      this.close(TOO_MANY_CODE, 'Too many messages');
      return false;
    }
    this.#messagesFullAt = taken.fullAt;
    if (this.#viewer === undefined && bytes > MAX_INIT_BYTES) this.close(CloseCode.BadRequest, 'The connection_init is too large');
    else if (this.socket.bufferedAmount > MOST_UNSENT_BYTES) this.cut();
    else return true;
    return false;
  }
}

function onMessage(this: WebSocket, data: unknown): void {
  // ws's default binaryType: a message is one Buffer.
  (this as ClientSocket).connection?.receive(data as Buffer);
}

/** The library answers each with a pong, whether the client reads or not. */
function onPing(this: WebSocket, data: Buffer): void {
  (this as ClientSocket).connection?.takes(data.length);
}

function onPong(this: WebSocket): void {
  (this as ClientSocket).connection?.answered();
}

function ignore(): void {}
