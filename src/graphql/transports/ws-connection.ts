import { CloseCode, type WebSocket as ProtocolSocket } from 'graphql-ws';
import { WebSocket } from 'ws';
import type { Actor, Viewer } from '../../audit/viewer.ts';
import { SLOW_READER_REASON } from '../../events/event-reader.ts';
import { takeToken } from '../../lib/concurrency/token-buckets.ts';

/** Our own close code: the client reads too slowly. It may reconnect and resume with `after`. */
export const SLOW_READER_CODE = 4490;
/** Our own close code: the account has too many live connections. Clients retry after it, unlike after 4429. */
export const TOO_MANY_SOCKETS_CODE = 4491;
/** Too many messages on a socket. The protocol uses this code for a second connection_init: clients do not retry. */
const TOO_MANY_CODE = CloseCode.TooManyInitialisationRequests;
/** Messages and pings of one socket, with a burst of ten seconds' worth. */
export const MESSAGES_PER_SECOND = 100;
const MESSAGES = { perSecond: MESSAGES_PER_SECOND, burst: 10 * MESSAGES_PER_SECOND } as const;
/** The client is not authenticated before its connection_init, which holds a token and little else. */
export const MAX_INIT_BYTES = 8 * 1024;
const INIT_TIMEOUT_MS = 5_000;
/** Above this, a client that keeps sending without reading its results is closed. */
const MAX_UNSENT_BYTES = 4 * 1024 * 1024;
/** Above this, `send` waits for the client, and events queue up in their bounded queue. */
const UNSENT_HIGH_WATER_BYTES = 64 * 1024;
/** RFC 6455 §5.5: a control frame has at most 125 bytes, two of which are the code. */
const MAX_REASON_BYTES = 123;
/** A client that disappeared without a FIN is detected within two intervals. */
const PING_EVERY_MS = 12_000;

/** What a connection asks of its transport. All connections share one object. */
export interface WsHooks {
  /** Answers a ping of the GraphQL protocol. */
  readonly answerPing: (connection: WsConnection, payload: Record<string, unknown> | undefined) => Promise<void>;
  /** A message violates the protocol, and closes the connection. */
  readonly onViolation: (error: unknown) => void;
}

/**
 * The WebSocket of graphql-ws with our limits. Close codes: 4400 for a connection_init above 8 KiB, 4403 when the token
 * expires or is revoked, 4408 without a connection_init in time, 4429 above 100 messages per second, 4490 for a client
 * that keeps sending without reading its results. Thousands are open at once, so what they share is a method and not a
 * function of each, and their deadlines are checked and not timers.
 */
export class WsConnection implements ProtocolSocket {
  readonly #socket: WebSocket;
  readonly #hooks: WsHooks;
  /** The client's address. */
  readonly from: string;
  /** The id of the upgrade request. */
  readonly requestId: string;
  /** The number of its subscriptions, including those being prepared. */
  subscriptions = 0;
  #viewer: Actor | undefined;
  /** Without a viewer, the deadline of its connection_init; with one, the time of the next ping. */
  #dueAt = performance.now() + INIT_TIMEOUT_MS;
  #isPingUnanswered = false;
  #bucketFullAt = 0;

  constructor(socket: WebSocket, { from, requestId }: { from: string; requestId: string }, hooks: WsHooks) {
    this.#socket = socket;
    this.#hooks = hooks;
    this.from = from;
    // A generated one consists of dozens of strings. Sockets are many and live long: they keep a copy in one piece.
    this.requestId = Buffer.from(requestId).toString();
    Object.assign(socket, { [owner]: this });
    // ws answers each ping with a pong, whether or not the client reads.
    socket.on('ping', onPing).on('pong', onPong);
  }

  /** A pong of the WebSocket has come. */
  pong(): void {
    this.#isPingUnanswered = false;
  }

  get protocol(): string {
    return this.#socket.protocol;
  }

  /** Each message within the limits goes to `handle`, which rejects only if the message violates the protocol. */
  onMessage(handle: (text: string) => Promise<void>): void {
    this.#socket.on('message', (data: Buffer) => {
      if (!this.accepts(data.length)) return;
      handle(data.toString('utf8')).catch((error: unknown) => {
        this.#hooks.onViolation(error);
        this.close(CloseCode.BadRequest, 'Invalid message received');
      });
    });
  }

  onPing(payload?: Record<string, unknown>): Promise<void> {
    return this.#hooks.answerPing(this, payload);
  }

  /** Its connection_init has come. */
  initialize(): void {
    this.#dueAt = Number.POSITIVE_INFINITY;
  }

  /** Undefined until the token is verified. */
  get viewer(): Actor | undefined {
    return this.#viewer;
  }

  authenticate(viewer: Viewer): void {
    this.#viewer = { ...viewer, from: this.from };
    // Spread the pings of clients that connected at the same time.
    this.#dueAt = performance.now() + Math.random() * PING_EVERY_MS;
  }

  /** Goes on with another token of the same account. */
  renew(viewer: Viewer): void {
    this.#viewer = { ...viewer, from: this.from };
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  /** More may be sent at once, or when the promise resolves: the message is written. */
  send(message: string): Promise<void> | undefined {
    if (!this.isOpen) return undefined;
    if (this.#socket.bufferedAmount > UNSENT_HIGH_WATER_BYTES)
      return new Promise((resolve) => this.#socket.send(message, () => resolve()));
    this.#socket.send(message, ignore);
    return undefined;
  }

  /** Truncates the reason, which may contain client input, to the size of a close frame; ws throws for a longer one. */
  close(code: number = CloseCode.InternalServerError, reason = ''): void {
    const bytes = Buffer.from(reason);
    this.#socket.close(
      code,
      bytes.length > MAX_REASON_BYTES ? bytes.subarray(0, MAX_REASON_BYTES - 3).toString() : reason,
    );
  }

  /** Closes the connection of a client that reads too slowly. */
  cut(): void {
    this.close(SLOW_READER_CODE, SLOW_READER_REASON);
  }

  /**
   * Closes the socket if its connection_init is late, or its token has expired or was revoked, and pings it when due.
   * Called several times per second.
   */
  check(now: number): void {
    if (!this.isOpen) return;
    if (this.#viewer !== undefined && this.#viewer.expiresAt <= Date.now())
      this.close(CloseCode.Forbidden, 'The token has expired');
    else if (this.#viewer?.token?.revoked.aborted === true) this.close(CloseCode.Forbidden, 'The token was revoked');
    else if (now < this.#dueAt) return;
    else if (this.#viewer === undefined)
      this.close(CloseCode.ConnectionInitialisationTimeout, 'Connection initialisation timeout');
    else if (this.#isPingUnanswered) this.#socket.terminate();
    else {
      this.#dueAt = now + PING_EVERY_MS;
      this.#isPingUnanswered = true;
      this.#socket.ping();
    }
  }

  /** Whether to process a message or ping of this size; closes the socket if it exceeds a limit. */
  accepts(bytes: number): boolean {
    // Messages after a close are ignored.
    if (!this.isOpen) return false;
    const taken = takeToken(this.#bucketFullAt, performance.now(), MESSAGES);
    if ('missing' in taken) {
      this.close(TOO_MANY_CODE, 'Too many messages');
      return false;
    }
    this.#bucketFullAt = taken.fullAt;
    if (this.#viewer === undefined && bytes > MAX_INIT_BYTES)
      this.close(CloseCode.BadRequest, 'The connection_init is too large');
    else if (this.#socket.bufferedAmount > MAX_UNSENT_BYTES) this.cut();
    else return true;
    return false;
  }
}

/** The connection of a WebSocket. */
const owner = Symbol('owner');

function onPing(this: WebSocket & { [owner]?: WsConnection }, data: Buffer): void {
  this[owner]?.accepts(data.length);
}

function onPong(this: WebSocket & { [owner]?: WsConnection }): void {
  this[owner]?.pong();
}

function ignore(): void {}
