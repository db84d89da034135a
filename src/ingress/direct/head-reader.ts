import { parseHeaderLines } from '../header-lines.ts';
import { headerTraits } from '../header-traits.ts';
import type { ReadRequest } from '../request-target.ts';

/** The head of a request as Node's server would tell it. */
type RequestHead = Omit<ReadRequest, 'socket'>;

/** Half of what Node's server takes. */
const MAX_BYTES = 8 * 1024;
const MAX_HEADERS = 100;
const END = '\r\n\r\n';
const REQUEST_LINE = /^(GET|HEAD) (\/[\x21-\x7e]*) HTTP\/1\.1$/;
/** Besides what is hop by hop: what a body, a wish or a list would come with. */
const NEVER = new Set(['content-length', 'expect', 'set-cookie']);

type Headers = Pick<RequestHead, 'rawHeaders' | 'headers'>;

/**
 * Reads the requests of one connection that can be read in one way only: GET or HEAD of a path in HTTP/1.1, on a connection that is kept,
 * without a body, no header twice, and all of it in these bytes with nothing after it. Undefined for every other, however valid: that is for
 * Node's parser. The headers of the next one are mostly those of the one before, to the letter, and then are the same object.
 */
export function createHeadReader(): (bytes: Buffer) => RequestHead | undefined {
  let known: { readonly bytes: Buffer; readonly headers: Headers } | undefined;
  return (bytes) => {
    if (bytes.length > MAX_BYTES) return undefined;
    // Nothing but the line is left to read, where the rest is as before; a longer rest that ends so too leaves none.
    if (known !== undefined && endsWith(bytes, known.bytes)) {
      const line = REQUEST_LINE.exec(bytes.toString('latin1', 0, bytes.length - known.bytes.length));
      if (line !== null) return toHead(line, known.headers);
    }
    const text = bytes.toString('latin1');
    if (text.indexOf(END) !== text.length - END.length) return undefined;
    const lineEnd = text.indexOf('\r\n');
    const line = REQUEST_LINE.exec(text.slice(0, lineEnd));
    const headers = line === null ? undefined : parseHeaders(text.slice(lineEnd));
    if (line === null || headers === undefined) return undefined;
    known = { bytes: Buffer.from(bytes.subarray(lineEnd)), headers };
    return toHead(line, headers);
  };
}

function endsWith(bytes: Buffer, end: Buffer): boolean {
  return bytes.length >= end.length && end.compare(bytes, bytes.length - end.length) === 0;
}

function toHead([, method, url = '']: RegExpExecArray, { rawHeaders, headers }: Headers): RequestHead {
  return { method, url, rawHeaders, headers };
}

/** Each line has its end before it; the last two ends are those of the head. */
function parseHeaders(text: string): Headers | undefined {
  const rawHeaders = parseHeaderLines(text.slice(2, -END.length));
  if (rawHeaders === undefined || rawHeaders.length > 2 * MAX_HEADERS) return undefined;
  const headers: Record<string, string> = {};
  const names = new Set<string>();
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const value = rawHeaders[at + 1] ?? '';
    const { lower, isHopByHop } = headerTraits(rawHeaders[at] ?? '');
    if (NEVER.has(lower) || names.has(lower)) return undefined;
    if (isHopByHop && !(lower === 'connection' && value.toLowerCase() === 'keep-alive')) return undefined;
    names.add(lower);
    headers[lower] = value;
  }
  return headers['host'] === undefined ? undefined : { rawHeaders, headers };
}
