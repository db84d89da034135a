import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Upstream } from './resolution.ts';
import type { ResponseHead } from './response-head.ts';
import { ResponseReader } from './response-reader.ts';

/** What a request without a body is told of its answer. Exactly one of `onEnd` and `onFail` is called, last. */
export interface AppCall {
  onHead(head: ResponseHead): void;
  /** The chunk's memory is lent for as long as it takes to tell all bytes that are here: until `onWait` or `onEnd` returns. */
  onBody(chunk: Buffer): void;
  /** All bytes that are here have been told, and more are to come. */
  onWait(): void;
  onEnd(): void;
  /** `isUntouched`: a kept connection ended before a byte of an answer, so that the app may never have seen the request. */
  onFail(error: Error, isUntouched: boolean): void;
}

/** The connection that a request runs on. */
export interface CallHandle {
  pause(): void;
  resume(): void;
  /** Ends it, without a further word to the call. */
  abort(): void;
}

/** The kept connections to one port of one container. */
export interface AppSockets {
  /** Sends the head of a request that has no body, over a connection that was used before only if `kept` may meet one. */
  send(head: string, options: { isHead: boolean; kept: boolean }, call: AppCall): CallHandle;
  /** Ends those that nobody has used for 4 s. To be called now and then: a timer for each request would cost more. */
  expire(): void;
  close(): void;
}

/** The most that is read at once, and so the longest piece of a body. */
export const READ_BYTES = 64 * 1024;
const CONNECT_DEADLINE_MS = 3_000;
/** Below the 5 s after which many servers (Node's among them) close an idle connection: reuse rarely races with their close. */
const KEEP_IDLE_MS = 4_000;
/** Those that a burst left behind end after their idle time. */
const MAX_IDLE = 256;

type Address = Pick<Upstream, 'host' | 'port' | 'scheme'>;

/** All connections read into the same memory, one after the other; who keeps something of it copies it. Memory of its own for each read costs more. */
const READ_BUFFER = Buffer.allocUnsafeSlow(READ_BYTES);

/**
 * Node's own client costs three times as much for each request and fifty times for each connection. This one knows only what it needs:
 * a request without a body, one at a time on a connection, whose answer ends beyond doubt or else takes the connection with it.
 */
export function createAppSockets(app: Address): AppSockets {
  const idle: AppConnection[] = [];
  const all = new Set<AppConnection>();
  const open = (): AppConnection => {
    const connection = new AppConnection(app, {
      onIdle: () => void (idle.length < MAX_IDLE ? idle.push(connection) : connection.abort()),
      onClosed() {
        all.delete(connection);
        const at = idle.indexOf(connection);
        if (at >= 0) idle.splice(at, 1);
      },
    });
    all.add(connection);
    return connection;
  };
  return {
    send(head, { isHead, kept }, call) {
      // The one that was used last has the longest to live.
      const connection = (kept ? idle.pop() : undefined) ?? open();
      connection.begin(head, isHead, call);
      return connection;
    },
    expire() {
      const before = performance.now() - KEEP_IDLE_MS;
      for (const connection of idle.filter(({ idleSince }) => idleSince <= before)) connection.abort();
    },
    close() {
      for (const connection of all) connection.abort();
    },
  };
}

class AppConnection implements CallHandle {
  readonly #socket: Socket;
  readonly #onIdle: () => void;
  readonly #reader = new ResponseReader({
    onHead: (answer) => this.#call?.onHead(answer),
    onBody: (chunk) => this.#call?.onBody(chunk),
    onEnd: (isKept) => this.#finish(isKept),
  });
  #call: AppCall | undefined;
  #isReused = false;
  /** When its last answer ended, by the monotonic clock in ms. */
  idleSince = 0;
  #hasBytes = false;
  #isPaused = false;

  constructor({ host, port, scheme }: Address, { onIdle, onClosed }: { onIdle: () => void; onClosed: () => void }) {
    const callback = (bytes: number): true => {
      this.#read(READ_BUFFER.subarray(0, bytes));
      return true;
    };
    const onread = { buffer: READ_BUFFER, callback };
    const options = { host, port, onread, rejectUnauthorized: false };
    const socket = scheme === 'https' ? connectTls(options) : connect(options);
    this.#socket = socket;
    this.#onIdle = onIdle;
    const late = () => socket.destroy(new Error(`The app did not accept a connection within ${CONNECT_DEADLINE_MS} ms.`));
    const deadline = setTimeout(late, CONNECT_DEADLINE_MS);
    socket.setNoDelay(true);
    socket.once(scheme === 'https' ? 'secureConnect' : 'connect', () => clearTimeout(deadline));
    socket.on('end', () => this.#read(undefined));
    socket.on('error', (error) => this.#fail(error));
    socket.once('close', () => {
      clearTimeout(deadline);
      this.#fail(new Error('The app closed the connection without an answer.'));
      onClosed();
    });
  }

  begin(head: string, isHead: boolean, call: AppCall): void {
    this.#call = call;
    this.#hasBytes = false;
    this.#reader.begin({ isHead });
    this.#socket.write(head, 'latin1');
  }

  pause(): void {
    this.#isPaused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#socket.resume();
  }

  abort(): void {
    this.#call = undefined;
    this.#socket.destroy();
  }

  /** `undefined`: there are no more. */
  #read(bytes: Buffer | undefined): void {
    // An app that speaks unasked, or ends a connection that nobody uses.
    if (this.#call === undefined) return void this.#socket.destroy();
    if (bytes !== undefined) this.#hasBytes = true;
    try {
      if (bytes === undefined) this.#reader.close();
      else this.#reader.push(bytes);
      this.#call?.onWait();
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)));
      this.#socket.destroy();
    }
  }

  #finish(isKept: boolean): void {
    const call = this.#call;
    this.#call = undefined;
    if (isKept && !this.#socket.destroyed) {
      this.#isReused = true;
      this.idleSince = performance.now();
      if (this.#isPaused) this.resume();
      this.#onIdle();
    } else this.#socket.destroy();
    call?.onEnd();
  }

  #fail(error: Error): void {
    const call = this.#call;
    this.#call = undefined;
    call?.onFail(error, this.#isReused && !this.#hasBytes);
  }
}
