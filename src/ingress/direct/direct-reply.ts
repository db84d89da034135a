import type { Socket } from 'node:net';
import type { Reply } from '../reply.ts';
import type { WriteReplyHead } from './reply-heads.ts';

type OnWritten = Parameters<Reply['write']>[2];

/** Where the answers of one connection go. */
export interface ReplyChannel {
  readonly socket: Socket;
  readonly writeHead: WriteReplyHead;
  /** The whole answer is written. */
  readonly onEnd: () => void;
}

/** An answer on the bare socket, of the same bytes that Node's server would write on a connection that is kept. */
export class DirectReply implements Reply {
  readonly #channel: ReplyChannel;
  readonly #isHead: boolean;
  /** Until it is written, along with the first piece of the body: a write costs more than all else here. */
  #head = '';
  #isChunked = false;
  #hasBody = true;
  headersSent = false;

  /** `isHead`: the answer to a HEAD has no body, whatever its headers say. */
  constructor(channel: ReplyChannel, { isHead }: { isHead: boolean }) {
    this.#channel = channel;
    this.#isHead = isHead;
  }

  get destroyed(): boolean {
    return this.#channel.socket.destroyed;
  }

  get writableLength(): number {
    return this.#channel.socket.writableLength;
  }

  writeHead(status: number, reason: string, headers: string[] | Readonly<Record<string, string>>): void {
    const { text, hasLength } = this.#channel.writeHead(status, reason, headers);
    this.#hasBody = !this.#isHead && status !== 204 && status !== 304;
    this.#isChunked = this.#hasBody && !hasLength;
    this.#head = this.#isChunked ? `${text}Transfer-Encoding: chunked\r\n\r\n` : `${text}\r\n`;
    this.headersSent = true;
  }

  flushHeaders(): void {
    if (this.#head !== '') this.#write('');
  }

  write(chunk: Buffer | string, _encoding: 'latin1', onWritten?: OnWritten): boolean {
    return this.#write(chunk, '', onWritten);
  }

  end(chunk: Buffer | string): void {
    this.#write(chunk, this.#isChunked ? '0\r\n\r\n' : '');
    this.#channel.onEnd();
  }

  destroy(): void {
    this.#channel.socket.destroy();
  }

  once(event: 'drain', listener: () => void): void {
    this.#channel.socket.once(event, listener);
  }

  listenerCount(event: 'drain'): number {
    return this.#channel.socket.listenerCount(event);
  }

  #write(chunk: Buffer | string, end = '', onWritten?: OnWritten): boolean {
    const { socket } = this.#channel;
    const body = this.#hasBody ? chunk : '';
    const [before, after] = this.#isChunked && body.length > 0 ? [`${body.length.toString(16)}\r\n`, '\r\n'] : ['', ''];
    const head = this.#head + before;
    this.#head = '';
    if (typeof body === 'string') {
      const text = head + body + after + end;
      return text === '' || socket.write(text, 'latin1', onWritten);
    }
    socket.cork();
    if (head !== '') socket.write(head, 'latin1');
    const isTaken = socket.write(body, onWritten);
    if (after + end !== '') socket.write(after + end, 'latin1');
    socket.uncork();
    return isTaken;
  }
}
