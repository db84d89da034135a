import { responseHeaders } from './forward-headers.ts';
import { headerTraits } from './header-traits.ts';

/** The head of an app's answer. */
export interface ResponseHead {
  readonly status: number;
  readonly reason: string;
  /** Those that go on to the client, flat and in the app's order and case; not to be altered, since the same head may come again. */
  readonly headers: string[];
  /** How the body ends, where there is one: after so many bytes, with its last chunk, or with the connection. */
  readonly framing: number | 'chunked' | 'until-close';
  /** The app lets another request follow on the same connection. */
  readonly isKept: boolean;
}

/** An answer that is no HTTP/1.1, or whose end cannot be told beyond doubt. */
export class InvalidResponse extends Error {
  override readonly name = 'InvalidResponse';
}

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: ([\t\x20-\x7e\x80-\xff]*))?$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Reads the lines before the empty one, of latin1. Throws InvalidResponse for what is no header, and what could be read in two ways. */
export function parseResponseHead(text: string): ResponseHead {
  let end = endOfLine(text, 0);
  const [, minor, status, reason = ''] = STATUS_LINE.exec(text.slice(0, end)) ?? [];
  if (minor === undefined) throw new InvalidResponse('The answer does not begin with a status line of HTTP/1.1.');
  const raw: string[] = [];
  let length: string | undefined;
  let isChunked = false;
  let isKept = minor === '1';
  while (end < text.length) {
    const start = end + 2;
    end = endOfLine(text, start);
    const colon = text.indexOf(':', start);
    const name = text.slice(start, colon);
    const value = withoutBlanks(text, colon + 1, end);
    const { lower, isToken } = headerTraits(name);
    if (colon === -1 || colon >= end || !isToken || !VALUE.test(value)) {
      throw new InvalidResponse('The answer has a line that is no header.');
    }
    if (lower === 'content-length') {
      if (length !== undefined || !/^\d{1,15}$/.test(value)) throw new InvalidResponse('The answer has no single length.');
      length = value;
    } else if (lower === 'transfer-encoding') {
      if (isChunked || value.toLowerCase() !== 'chunked' || minor !== '1') {
        throw new InvalidResponse('The only transfer coding that is read is "chunked".');
      }
      isChunked = true;
    } else if (lower === 'connection' && /\bclose\b/i.test(value)) isKept = false;
    raw.push(name, value);
  }
  if (length !== undefined && isChunked) throw new InvalidResponse('The answer has both a length and chunks.');
  const framing = isChunked ? 'chunked' : length === undefined ? 'until-close' : Number(length);
  return { status: Number(status), reason, headers: responseHeaders(raw), framing, isKept };
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
