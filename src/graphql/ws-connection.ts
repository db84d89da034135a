import { CloseCode } from 'graphql-ws';
import { WebSocket } from 'ws';
import type { Actor, Viewer } from '../auth/viewer.ts';
import { SLOW_READER_REASON } from '../events/event-reader.ts';
import { takeToken } from '../lib/token-buckets.ts';

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
/** With more than this unsent, the next event waits in its bounded queue until the client has read. */
const UNSENT_BEFORE_WAITING_BYTES = 64 * 1024;
/** RFC 6455 §5.5: a control frame has 125 bytes, of which the code takes two. */
const MOST_REASON_BYTES = 123;
const INIT_TIMEOUT_MS = 5_000;
/** A client that is gone without a word, no FIN ever came, is found out within two of these. */
const PING_EVERY_MS = 12_000;

/** A socket that knows whose it is, so that one listener serves them all. */
export class ClientSocket extends WebSocket {
  connection: WsConnection | undefined;
}

/** The protocol's rules, the same for all connections; a message that breaks them closes its connection. */
export interface WsProtocol {
  /** Takes a message of the client. */
  receive(connection: WsConnection, text: string): void;
  /** Ends everything of a connection that is closed. */
  closed(connection: WsConnection): void;
}

/** What runs on a connection. */
export interface RunningOperation {
  /** The client's name for it. */
  readonly id: string;
  readonly isSubscription: boolean;
  /** Ends it without a further word to the client. */
  end(): void;
}

/** Mostly one, and there are thousands of connections: a Map of one takes five times as much. */
const NO_OPERATIONS: readonly RunningOperation[] = [];

/**
 * A client's WebSocket, and all that is known of it: one object and no function of its own, for there are thousands, and most of them
 * wait for hours. Closed when its client sends more than a client does: 4400 for a connection_init past 8 KiB, 4429 past 100 messages
 * a second, 4490 when it asks on without reading its answers.
 */
export class WsConnection {
  readonly socket: ClientSocket;
  /** The address that it comes from. */
  readonly from: string;
  /** Of the request that opened it. */
  readonly requestId: string;
  /** What runs on it; never changed, but replaced by another. */
  operations = NO_OPERATIONS;
  readonly #protocol: WsProtocol;
  /** When its token must have come, and from then on when it is pinged next; by the monotonic clock in ms. */
  #dueAt = performance.now() + INIT_TIMEOUT_MS;
  /** A ping has had no answer yet. */
  #isSilent = false;
  #messagesFullAt = 0;
  #isGreeted = false;
  #viewer: Actor | undefined;

  constructor(socket: ClientSocket, { from, requestId }: { from: string; requestId: string }, protocol: WsProtocol) {
    this.socket = socket;
    this.from = from;
    this.requestId = requestId;
    this.#protocol = protocol;
    socket.connection = this;
    socket.on('message', onMessage);
    socket.on('ping', onPing);
    socket.on('pong', onPong);
    socket.on('close', onClose);
    // The reason of the close that follows: a frame that is no frame, a message that is too long.
    socket.on('error', ignore);
  }

  /** Whose it is, once its token was verified. */
  get viewer(): Actor | undefined {
    return this.#viewer;
  }

  /** Its client's first word; false where that has been said before. */
  greet(): boolean {
    if (this.#isGreeted) return false;
    this.#isGreeted = true;
    return true;
  }

  accept(viewer: Viewer): void {
    this.#viewer = { ...viewer, from: this.from };
    // At any time of the period: thousands that came at once are not pinged at once.
    this.#dueAt = performance.now() + Math.random() * PING_EVERY_MS;
  }

  get isOpen(): boolean {
    return this.socket.readyState === WebSocket.OPEN;
  }

  find(id: string): RunningOperation | undefined {
    return this.operations.find((each) => each.id === id);
  }

  add(operation: RunningOperation): void {
    this.operations = [...this.operations, operation];
  }

  remove(operation: RunningOperation): void {
    this.operations = this.operations.length > 1 ? this.operations.filter((each) => each !== operation) : NO_OPERATIONS;
  }

  /** How many of its operations are subscriptions. */
  get subscriptions(): number {
    return this.operations.filter(({ isSubscription }) => isSubscription).length;
  }

  /** Undefined while little is unsent, else resolves when this is written: whoever awaits it goes at the pace of the client. */
  send(message: string): Promise<void> | undefined {
    const { socket } = this;
    if (!this.isOpen) return undefined;
    if (socket.bufferedAmount > UNSENT_BEFORE_WAITING_BYTES) return new Promise((resolve) => socket.send(message, () => resolve()));
    socket.send(message, ignore);
    return undefined;
  }

  /** A reason may name what the client sent, and has 123 bytes in a close frame: more would throw. */
  close(code: number, reason: string): void {
    const bytes = Buffer.from(reason);
    this.socket.close(code, bytes.length > MOST_REASON_BYTES ? bytes.subarray(0, MOST_REASON_BYTES - 3).toString() : reason);
  }

  /** Cuts a reader that is too far behind. */
  cut(): void {
    this.close(SLOW_READER_CODE, SLOW_READER_REASON);
  }

  /** A look at it, which comes to all of them several times a second: whether its token has ended, or never came, and whether it still lives. */
  look(now: number): void {
    if (!this.isOpen) return;
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
    if (this.takes(message.length)) this.#protocol.receive(this, message.toString('utf8'));
  }

  ended(): void {
    this.#protocol.closed(this);
  }

  /** Whether something more from the client is looked at; closes it where it is too much. */
  takes(bytes: number): boolean {
    // What comes after a close is not looked at any more.
    if (!this.isOpen) return false;
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

function onClose(this: WebSocket): void {
  (this as ClientSocket).connection?.ended();
}

function ignore(): void {}
