import { responseHeaders } from './forward-headers.ts';
import { parseHeaderLines } from './header-lines.ts';
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

/** Reads the lines before the empty one, of latin1. Throws InvalidResponse for what is no header, and what could be read in two ways. */
export function parseResponseHead(text: string): ResponseHead {
  const lineEnd = text.indexOf('\r\n');
  const [line, rest] = lineEnd === -1 ? [text, ''] : [text.slice(0, lineEnd), text.slice(lineEnd + 2)];
  const [, minor, status, reason = ''] = STATUS_LINE.exec(line) ?? [];
  if (minor === undefined) throw new InvalidResponse('The answer does not begin with a status line of HTTP/1.1.');
  const raw = parseHeaderLines(rest);
  if (raw === undefined) throw new InvalidResponse('The answer has a line that is no header.');
  let length: string | undefined;
  let isChunked = false;
  let isKept = minor === '1';
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const value = raw[at + 1] ?? '';
    const { lower } = headerTraits(raw[at] ?? '');
    if (lower === 'content-length') {
      if (length !== undefined || !/^\d{1,15}$/.test(value)) throw new InvalidResponse('The answer has no single length.');
      length = value;
    } else if (lower === 'transfer-encoding') {
      if (isChunked || value.toLowerCase() !== 'chunked' || minor !== '1') {
        throw new InvalidResponse('The only transfer coding that is read is "chunked".');
      }
      isChunked = true;
    } else if (lower === 'connection' && /\bclose\b/i.test(value)) isKept = false;
  }
  if (length !== undefined && isChunked) throw new InvalidResponse('The answer has both a length and chunks.');
  const framing = isChunked ? 'chunked' : length === undefined ? 'until-close' : Number(length);
  return { status: Number(status), reason, headers: responseHeaders(raw), framing, isKept };
}
