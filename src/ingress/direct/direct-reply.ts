import type { Socket } from 'node:net';
import type { Reply } from '../reply.ts';

interface ReplyOptions {
  readonly socket: Socket;
  /** The answer to a HEAD has no body, whatever its headers say. */
  readonly isHead: boolean;
  /** What is told of how long an idle connection is kept. */
  readonly keepSeconds: number;
  /** The whole answer is written. */
  readonly onEnd: () => void;
}

/** An answer on the bare socket, of the same bytes that Node's server would write on a connection that is kept. */
export class DirectReply implements Reply {
  readonly #options: ReplyOptions;
  /** Until it is written, along with the first piece of the body: a write costs more than all else here. */
  #head = '';
  #isChunked = false;
  #hasBody = true;
  headersSent = false;

  constructor(options: ReplyOptions) {
    this.#options = options;
  }

  get destroyed(): boolean {
    return this.#options.socket.destroyed;
  }

  get writableLength(): number {
    return this.#options.socket.writableLength;
  }

  writeHead(status: number, reason: string, headers: string[] | Readonly<Record<string, string>>): void {
    const flat = Array.isArray(headers) ? headers : Object.entries(headers).flat();
    let head = `HTTP/1.1 ${status} ${reason}\r\n`;
    let hasLength = false;
    let hasDate = false;
    for (let at = 0; at + 1 < flat.length; at += 2) {
      const name = flat[at] ?? '';
      head += `${name}: ${flat[at + 1] ?? ''}\r\n`;
      // By length first: most names are neither, and this is done for each header of each answer.
      if (name.length === 'content-length'.length) hasLength ||= name.toLowerCase() === 'content-length';
      else if (name.length === 'date'.length) hasDate ||= name.toLowerCase() === 'date';
    }
    if (!hasDate) head += `Date: ${new Date().toUTCString()}\r\n`;
    head += `Connection: keep-alive\r\nKeep-Alive: timeout=${this.#options.keepSeconds}\r\n`;
    this.#hasBody = !this.#options.isHead && status !== 204 && status !== 304;
    this.#isChunked = this.#hasBody && !hasLength;
    this.#head = this.#isChunked ? `${head}Transfer-Encoding: chunked\r\n\r\n` : `${head}\r\n`;
    this.headersSent = true;
  }

  flushHeaders(): void {
    if (this.#head !== '') this.#write('');
  }

  write(chunk: Buffer | string): boolean {
    return this.#write(chunk);
  }

  end(chunk: Buffer | string): void {
    this.#write(chunk, this.#isChunked ? '0\r\n\r\n' : '');
    this.#options.onEnd();
  }

  destroy(): void {
    this.#options.socket.destroy();
  }

  once(event: 'drain', listener: () => void): void {
    this.#options.socket.once(event, listener);
  }

  listenerCount(event: 'drain'): number {
    return this.#options.socket.listenerCount(event);
  }

  #write(chunk: Buffer | string, end = ''): boolean {
    const { socket } = this.#options;
    const body = this.#hasBody ? chunk : '';
    const [before, after] = this.#isChunked && body.length > 0 ? [`${body.length.toString(16)}\r\n`, '\r\n'] : ['', ''];
    const head = this.#head + before;
    this.#head = '';
    if (typeof body === 'string') {
      const text = head + body + after + end;
      return text === '' || socket.write(text, 'latin1');
    }
    socket.cork();
    if (head !== '') socket.write(head, 'latin1');
    const isTaken = socket.write(body);
    if (after + end !== '') socket.write(after + end, 'latin1');
    socket.uncork();
    return isTaken;
  }
}
