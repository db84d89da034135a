import { InvalidResponse, parseResponseHead, type ResponseHead } from './response-head.ts';

export interface ResponseSink {
  onHead(head: ResponseHead): void;
  /** Lent memory, as all that is pushed. */
  onBody(chunk: Buffer): void;
  /** The whole answer is here; `isKept` says whether another request may follow on the same connection. */
  onEnd(isKept: boolean): void;
}

const HEAD_END = Buffer.from('\r\n\r\n');
const MAX_HEAD_BYTES = 64 * 1024;
/** Of a chunk's size with its extensions, and of all trailers together. */
const MAX_LINE_BYTES = 16 * 1024;
/** Longer heads are not kept to be compared with the next one. */
const MAX_KNOWN_BYTES = 2 * 1024;
const NOTHING = Buffer.alloc(0);

/**
 * Reads the answers of one connection, one after the other, in whatever pieces their bytes come. As strict as RFC 9112 lets a recipient be:
 * what could be read in two ways (a length and chunks, two lengths, folded lines, bare line feeds) is refused, since the connection is kept.
 */
export class ResponseReader {
  readonly #sink: ResponseSink;
  #isHead = false;
  #rest: Buffer | undefined;
  #state: 'head' | 'length' | 'until-close' | 'chunk-size' | 'chunk' | 'chunk-end' | 'trailers' | 'over' = 'over';
  #left = 0;
  #trailerBytes = 0;
  #isKept = true;
  /** An app that is asked the same again mostly answers so within a second, to the letter: that costs a tenth of reading it. */
  #known: { readonly bytes: Buffer; readonly head: ResponseHead } | undefined;

  constructor(sink: ResponseSink) {
    this.#sink = sink;
  }

  /** From here on the answer to the next request is read. `isHead`: that to a HEAD has no body, whatever its headers say. */
  begin({ isHead }: { isHead: boolean }): void {
    this.#isHead = isHead;
    this.#rest = undefined;
    this.#state = 'head';
    this.#trailerBytes = 0;
    this.#isKept = true;
  }

  /** Their memory is lent until it returns. Throws InvalidResponse; nothing may be pushed after that, nor after the end but by mistake of the app. */
  push(bytes: Buffer): void {
    let chunk: Buffer | undefined = this.#rest === undefined ? bytes : Buffer.concat([this.#rest, bytes]);
    this.#rest = undefined;
    while (chunk !== undefined && chunk.length > 0) chunk = this.#step(chunk);
  }

  /** The app closed its side: the end of an answer without a length, and too early for every other. */
  close(): void {
    if (this.#state === 'until-close') this.#end();
    else if (this.#state !== 'over') throw new InvalidResponse('The connection was closed before the end of the answer.');
  }

  /** Takes what it can from the front and returns what is left of it; undefined when it waits for more. */
  #step(chunk: Buffer): Buffer | undefined {
    switch (this.#state) {
      case 'head':
        return this.#readHead(chunk);
      case 'length':
      case 'chunk':
        return this.#readBody(chunk);
      case 'until-close':
        this.#sink.onBody(chunk);
        return undefined;
      case 'chunk-size':
      case 'chunk-end':
      case 'trailers':
        return this.#readLine(chunk);
      case 'over':
        throw new InvalidResponse('There are bytes after the end of the answer.');
    }
  }

  #readHead(chunk: Buffer): Buffer | undefined {
    const known = this.#known;
    if (known !== undefined && startsWith(chunk, known.bytes)) return this.#begin(known.head, chunk.subarray(known.bytes.length));
    const end = chunk.indexOf(HEAD_END);
    if (end > MAX_HEAD_BYTES || (end === -1 && chunk.length > MAX_HEAD_BYTES)) throw new InvalidResponse('The headers are too large.');
    if (end === -1) {
      this.#rest = Buffer.from(chunk);
      return undefined;
    }
    const head = parseResponseHead(chunk.toString('latin1', 0, end));
    const length = end + HEAD_END.length;
    const rest = chunk.subarray(length);
    if (head.status === 101) throw new InvalidResponse('The app changed the protocol unasked.');
    // What comes before the answer (100, 103) is between the app and us.
    if (head.status < 200) return rest;
    this.#known = length > MAX_KNOWN_BYTES ? undefined : { bytes: Buffer.from(chunk.subarray(0, length)), head };
    return this.#begin(head, rest);
  }

  #begin(head: ResponseHead, rest: Buffer): Buffer {
    const { status, framing, isKept } = head;
    this.#isKept = isKept;
    this.#sink.onHead(head);
    if (this.#isHead || status === 204 || status === 304 || framing === 0) this.#finish(rest);
    else if (typeof framing === 'number') {
      this.#state = 'length';
      this.#left = framing;
    } else this.#state = framing === 'chunked' ? 'chunk-size' : 'until-close';
    return rest;
  }

  #readBody(chunk: Buffer): Buffer | undefined {
    const isAllOfIt = chunk.length <= this.#left;
    const part = isAllOfIt ? chunk : chunk.subarray(0, this.#left);
    const rest = isAllOfIt ? NOTHING : chunk.subarray(part.length);
    this.#left -= part.length;
    this.#sink.onBody(part);
    if (this.#left > 0) return undefined;
    if (this.#state === 'chunk') this.#state = 'chunk-end';
    else this.#finish(rest);
    return rest;
  }

  #readLine(chunk: Buffer): Buffer | undefined {
    const end = chunk.indexOf('\r\n');
    if (end > MAX_LINE_BYTES || (end === -1 && chunk.length > MAX_LINE_BYTES))
      throw new InvalidResponse('A line between chunks is too long.');
    if (end === -1) {
      this.#rest = Buffer.from(chunk);
      return undefined;
    }
    const line = chunk.toString('latin1', 0, end);
    const rest = chunk.subarray(end + 2);
    if (line.includes('\n') || line.includes('\r')) throw new InvalidResponse('A line between chunks has a bare line end in it.');
    if (this.#state === 'chunk-end') {
      if (line !== '') throw new InvalidResponse('A chunk is longer than it said.');
      this.#state = 'chunk-size';
    } else if (this.#state === 'chunk-size') {
      const [, size] = /^([0-9a-fA-F]{1,13})[\t ]*(?:;.*)?$/.exec(line) ?? [];
      if (size === undefined) throw new InvalidResponse('A chunk has no size.');
      this.#left = Number.parseInt(size, 16);
      this.#state = this.#left === 0 ? 'trailers' : 'chunk';
    } else {
      this.#trailerBytes += line.length;
      if (this.#trailerBytes > MAX_LINE_BYTES) throw new InvalidResponse('The trailers are too large.');
      if (line === '') this.#finish(rest);
    }
    return rest;
  }

  #finish(rest: Buffer): void {
    // Bytes that nobody asked for would be taken for the next answer.
    if (rest.length > 0) this.#isKept = false;
    this.#end();
    if (rest.length > 0) throw new InvalidResponse('There are bytes after the end of the answer.');
  }

  #end(): void {
    const isKept = this.#isKept && this.#state !== 'until-close';
    this.#state = 'over';
    this.#sink.onEnd(isKept);
  }
}

function startsWith(bytes: Buffer, beginning: Buffer): boolean {
  return bytes.length >= beginning.length && beginning.compare(bytes, 0, beginning.length) === 0;
}
