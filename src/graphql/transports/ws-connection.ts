import { CloseCode } from 'graphql-ws';
import { WebSocket } from 'ws';
import type { Actor, Viewer } from '../../audit/viewer.ts';
import { SLOW_READER_REASON } from '../../events/event-reader.ts';
import { takeToken } from '../../lib/token-buckets.ts';

/** Our own code beside the protocol's: the reader fell too far behind; it may reconnect and resume with `after`. */
export const SLOW_READER_CODE = 4490;
/** Too much of anything: sockets of an account, messages on a socket. The protocol's own code for too many connection_inits. */
export const TOO_MANY_CODE = CloseCode.TooManyInitialisationRequests;
/** Messages and pings on one socket; ten seconds' worth may come at once. */
export const MESSAGES_PER_SECOND = 100;
const MESSAGES = { perSecond: MESSAGES_PER_SECOND, burst: 10 * MESSAGES_PER_SECOND } as const;
/** A connection_init holds a token and little else; the client is not authenticated before it. */
export const MAX_INIT_BYTES = 8 * 1024;
/** Of answers that a client asked for and does not read. */
const MOST_UNSENT_BYTES = 4 * 1024 * 1024;
/** With more than this unsent, the next event waits in its bounded queue until the client has read. */
const UNSENT_BEFORE_WAITING_BYTES = 64 * 1024;
/** RFC 6455 §5.5: a control frame has 125 bytes, of which the code takes two. */
const MOST_REASON_BYTES = 123;
/** A client that is gone without a FIN is found out within two of these. */
const PING_EVERY_MS = 12_000;

/**
 * Our limits on a client's WebSocket. It is closed when its client sends more than a client does: 4400 for a connection_init past
 * 8 KiB, 4429 past 100 messages a second, 4490 when it asks on without reading its answers; 4403 when its token ends.
 */
export class WsConnection {
  readonly #socket: WebSocket;
  /** The address that it comes from. */
  readonly from: string;
  /** Of the request that opened it. */
  readonly requestId: string;
  /** Subscriptions that run on it, or are being prepared. */
  subscriptions = 0;
  #viewer: Actor | undefined;
  #pingAt = Number.POSITIVE_INFINITY;
  #isPingUnanswered = false;
  #messagesFullAt = 0;

  constructor(socket: WebSocket, { from, requestId }: { from: string; requestId: string }) {
    this.#socket = socket;
    this.from = from;
    this.requestId = requestId;
    // The library answers each ping with a pong, whether the client reads or not.
    socket.on('ping', (data: Buffer) => void this.takes(data.length));
    socket.on('pong', () => (this.#isPingUnanswered = false));
  }

  /** Whose it is, once its token was verified. */
  get viewer(): Actor | undefined {
    return this.#viewer;
  }

  accept(viewer: Viewer): void {
    this.#viewer = { ...viewer, from: this.from };
    // At any time of the period: thousands that came at once are not pinged at once.
    this.#pingAt = performance.now() + Math.random() * PING_EVERY_MS;
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  /** Resolves when more may be sent: at once, or at the client's pace while much is unsent. */
  async send(message: string): Promise<void> {
    if (!this.isOpen) return;
    if (this.#socket.bufferedAmount <= UNSENT_BEFORE_WAITING_BYTES) this.#socket.send(message, ignore);
    else await new Promise<void>((resolve) => this.#socket.send(message, () => resolve()));
  }

  /** A reason may name what the client sent, which is cut to what a close frame holds: more would throw. */
  close(code: number, reason: string): void {
    const bytes = Buffer.from(reason);
    this.#socket.close(code, bytes.length > MOST_REASON_BYTES ? bytes.subarray(0, MOST_REASON_BYTES - 3).toString() : reason);
  }

  /** Cuts a reader that is too far behind. */
  cut(): void {
    this.close(SLOW_READER_CODE, SLOW_READER_REASON);
  }

  /** Called several times a second: whether its token has ended, and whether the client still answers. */
  check(now: number): void {
    if (!this.isOpen) return;
    if (this.#viewer !== undefined && this.#viewer.expiresAt <= Date.now()) this.close(CloseCode.Forbidden, 'The token has expired');
    else if (now < this.#pingAt) return;
    else if (this.#isPingUnanswered) this.#socket.terminate();
    else {
      this.#pingAt = now + PING_EVERY_MS;
      this.#isPingUnanswered = true;
      this.#socket.ping();
    }
  }

  /** Whether a message or ping of the client is accepted; closes the socket where it is too much. */
  takes(bytes: number): boolean {
    // What comes after a close is ignored.
    if (!this.isOpen) return false;
    const taken = takeToken(this.#messagesFullAt, performance.now(), MESSAGES);
    if ('missing' in taken) {
      this.close(TOO_MANY_CODE, 'Too many messages');
      return false;
    }
    this.#messagesFullAt = taken.fullAt;
    if (this.#viewer === undefined && bytes > MAX_INIT_BYTES) this.close(CloseCode.BadRequest, 'The connection_init is too large');
    else if (this.#socket.bufferedAmount > MOST_UNSENT_BYTES) this.cut();
    else return true;
    return false;
  }
}

function ignore(): void {}
