import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Reply } from '../reply.ts';
import type { ReadRequest } from '../request-target.ts';
import { DirectReply, type ReplyChannel } from './direct-reply.ts';
import { createHeadReader } from './head-reader.ts';
import type { WriteReplyHead } from './reply-heads.ts';

/** Answers a request, or says false and has done nothing. Never throws or rejects. */
export type ServeRequest = (request: ReadRequest, reply: Reply) => boolean | Promise<boolean>;

/** As Node's server does: who asks at the last moment, by what was told, still finds the connection open. */
const GRACE_MS = 1_000;

interface DirectConnectionOptions {
  readonly serve: ServeRequest;
  readonly writeHead: WriteReplyHead;
  /** It is closed, or somebody else's. */
  readonly onLeft: () => void;
  /** To Node's server, which finds the bytes in it that are not answered yet. */
  readonly handOver: () => void;
}

/** One client's connection while nothing comes on it but what is answered directly; one request at a time. */
export class DirectConnection {
  readonly #socket: Socket;
  readonly #options: DirectConnectionOptions;
  readonly #read = createHeadReader();
  readonly #channel: ReplyChannel;
  #isBusy = false;
  /** What came while it was busy; the rest waits in the socket. */
  #early: Buffer | undefined;
  /** Since its beginning, or the end of its last answer, as of the last look; by the monotonic clock in ms. */
  #idleSince = performance.now();
  #hasAnswered = false;

  constructor(socket: Socket, options: DirectConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#channel = { socket, writeHead: options.writeHead, onEnd: this.#onEnd };
    socket.on('data', this.#onData).on('end', this.#onHalfClosed).on('error', ignore).on('close', options.onLeft);
  }

  /** Ends it when it has been idle for longer than it may. It is not while there is something left of an answer that its client takes slowly. */
  expire(now: number, { headersTimeout, keepAliveTimeout }: Pick<Server, 'headersTimeout' | 'keepAliveTimeout'>): void {
    if (this.#isBusy || this.#socket.writableLength > 0) this.#idleSince = now;
    else if (now - this.#idleSince > (this.#hasAnswered ? keepAliveTimeout + GRACE_MS : headersTimeout)) this.destroy();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  readonly #onData = (bytes: Buffer): void => {
    if (!this.#isBusy) return this.#take(bytes);
    this.#early = this.#early === undefined ? bytes : Buffer.concat([this.#early, bytes]);
    this.#socket.pause();
  };

  #take(bytes: Buffer): void {
    const head = this.#read(bytes);
    if (head === undefined) return this.#leave(bytes);
    this.#isBusy = true;
    const { method, url, rawHeaders, headers } = head;
    const reply = new DirectReply(this.#channel, { isHead: method === 'HEAD' });
    const taken = this.#options.serve({ method, url, rawHeaders, headers, socket: this.#socket }, reply);
    if (taken === false) this.#leave(bytes);
    else if (taken !== true) void taken.then((isTaken) => isTaken || this.#leave(bytes));
  }

  readonly #onEnd = (): void => {
    this.#isBusy = false;
    this.#hasAnswered = true;
    this.#idleSince = performance.now();
    if (this.#socket.writableNeedDrain) {
      // Whoever asks on and on without reading the answers waits.
      this.#socket.pause();
      this.#socket.once('drain', this.#goOn);
    } else if (this.#early !== undefined) this.#goOn();
  };

  readonly #goOn = (): void => {
    const bytes = this.#early;
    this.#early = undefined;
    this.#socket.resume();
    if (bytes !== undefined) this.#onData(bytes);
  };

  /** For good, with these bytes and all that come after them. */
  #leave(bytes: Buffer): void {
    const socket = this.#socket;
    if (socket.destroyed) return;
    const { onLeft, handOver } = this.#options;
    socket.off('data', this.#onData).off('end', this.#onHalfClosed).off('error', ignore).off('close', onLeft);
    onLeft();
    // It must not flow before somebody listens.
    socket.pause();
    socket.unshift(this.#early === undefined ? bytes : Buffer.concat([bytes, this.#early]));
    handOver();
    socket.resume();
  }

  readonly #onHalfClosed = (): void => {
    if (this.#isBusy) this.destroy();
    else this.#socket.end();
  };
}

function ignore(): void {
  // The close that follows says it all.
}
