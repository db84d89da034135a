import { remember } from '../lib/remember.ts';

/** The head of an app's answer, as it came: status, reason, and headers flat in their order and case. */
export interface ResponseHead {
  readonly status: number;
  readonly reason: string;
  readonly rawHeaders: readonly string[];
}

export interface ResponseSink {
  onHead(head: ResponseHead): void;
  onBody(chunk: Buffer): void;
  /** The whole answer is here; `isKept` says whether another request may follow on the same connection. */
  onEnd(isKept: boolean): void;
}

/** An answer that is no HTTP/1.1, or whose end cannot be told beyond doubt. */
export class InvalidResponse extends Error {
  override readonly name = 'InvalidResponse';
}

const HEAD_END = Buffer.from('\r\n\r\n');
const MAX_HEAD_BYTES = 64 * 1024;
/** Of a chunk's size with its extensions, and of all trailers together. */
const MAX_LINE_BYTES = 16 * 1024;
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: ([\t\x20-\x7e\x80-\xff]*))?$/;
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

type Framing = { readonly kind: 'none' | 'chunked' | 'until-close' } | { readonly kind: 'length'; readonly bytes: number };

/**
 * Reads one answer out of the bytes of a connection, in whatever pieces they come. As strict as RFC 9112 lets a recipient be: what could be
 * read in two ways (a length and chunks, two lengths, folded lines, bare line feeds) is refused, since the connection is kept.
 */
export class ResponseReader {
  readonly #sink: ResponseSink;
  readonly #isHead: boolean;
  #rest: Buffer | undefined;
  #state: 'head' | 'length' | 'until-close' | 'chunk-size' | 'chunk' | 'chunk-end' | 'trailers' | 'over' = 'head';
  #left = 0;
  #trailerBytes = 0;
  #isKept = true;

  /** `isHead`: the answer to a HEAD has no body, whatever its headers say. */
  constructor(sink: ResponseSink, { isHead }: { isHead: boolean }) {
    this.#sink = sink;
    this.#isHead = isHead;
  }

  /** Throws InvalidResponse; nothing may be pushed after that, nor after the end but by mistake of the app. */
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
    const end = chunk.indexOf(HEAD_END);
    if (end > MAX_HEAD_BYTES || (end === -1 && chunk.length > MAX_HEAD_BYTES)) throw new InvalidResponse('The headers are too large.');
    if (end === -1) {
      this.#rest = chunk;
      return undefined;
    }
    const { head, version } = parseHead(chunk.toString('latin1', 0, end));
    const rest = chunk.subarray(end + HEAD_END.length);
    if (head.status === 101) throw new InvalidResponse('The app changed the protocol unasked.');
    // What comes before the answer (100, 103) is between the app and us.
    if (head.status < 200) return rest;
    const { framing, isKept } = framingOf(head, version, this.#isHead);
    this.#isKept = isKept;
    this.#sink.onHead(head);
    if (framing.kind === 'none' || (framing.kind === 'length' && framing.bytes === 0)) this.#finish(rest);
    else if (framing.kind === 'length') [this.#state, this.#left] = ['length', framing.bytes];
    else this.#state = framing.kind === 'chunked' ? 'chunk-size' : 'until-close';
    return rest;
  }

  #readBody(chunk: Buffer): Buffer | undefined {
    const part = chunk.length <= this.#left ? chunk : chunk.subarray(0, this.#left);
    const rest = chunk.subarray(part.length);
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
      this.#rest = chunk;
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

/** The same few names come with each answer. */
const lowerCase = remember((name) => name.toLowerCase(), 1_000);

function parseHead(text: string): { head: ResponseHead; version: string } {
  let end = endOfLine(text, 0);
  const [, minor, status, reason = ''] = STATUS_LINE.exec(text.slice(0, end)) ?? [];
  if (minor === undefined) throw new InvalidResponse('The answer does not begin with a status line of HTTP/1.1.');
  const rawHeaders: string[] = [];
  while (end < text.length) {
    const start = end + 2;
    end = endOfLine(text, start);
    const colon = text.indexOf(':', start);
    const name = text.slice(start, colon);
    const value = withoutBlanks(text, colon + 1, end);
    if (colon === -1 || colon >= end || !NAME.test(name) || !VALUE.test(value)) {
      throw new InvalidResponse('The answer has a line that is no header.');
    }
    rawHeaders.push(name, value);
  }
  return { head: { status: Number(status), reason, rawHeaders }, version: minor };
}

function withoutBlanks(text: string, from: number, to: number): string {
  while (from < to && isBlank(text.charCodeAt(from))) from += 1;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to -= 1;
  return text.slice(from, to);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\r\n', from);
  return end === -1 ? text.length : end;
}

function framingOf({ status, rawHeaders }: ResponseHead, version: string, isHead: boolean): { framing: Framing; isKept: boolean } {
  let length: string | undefined;
  let coding: string | undefined;
  let isKept = version === '1';
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const value = rawHeaders[at + 1] ?? '';
    switch (lowerCase(rawHeaders[at] ?? '')) {
      case 'content-length':
        if (length !== undefined || !/^\d{1,15}$/.test(value)) throw new InvalidResponse('The answer has no single length.');
        length = value;
        break;
      case 'transfer-encoding':
        if (coding !== undefined || value.toLowerCase() !== 'chunked' || version !== '1') {
          throw new InvalidResponse('The only transfer coding that is read is "chunked".');
        }
        coding = value;
        break;
      case 'connection':
        if (/\bclose\b/i.test(value)) isKept = false;
        break;
      default:
    }
  }
  if (length !== undefined && coding !== undefined) throw new InvalidResponse('The answer has both a length and chunks.');
  if (isHead || status === 204 || status === 304) return { framing: { kind: 'none' }, isKept };
  if (coding !== undefined) return { framing: { kind: 'chunked' }, isKept };
  return length === undefined
    ? { framing: { kind: 'until-close' }, isKept: false }
    : { framing: { kind: 'length', bytes: Number(length) }, isKept };
}
