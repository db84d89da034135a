import type { IncomingMessage, ServerResponse } from 'node:http';
import { gzip } from 'node:zlib';
import { acceptedEncoding } from '../request/accepted-encoding.ts';

export const JSON_TYPE = 'application/json; charset=utf-8';

/** Shorter answers fit into one packet, compressed or not. */
const COMPRESS_FROM_BYTES = 1_400;

type Headers = Readonly<Record<string, string>>;

/** Sends a JSON document. */
export function sendJson(reply: ServerResponse, status: number, body: unknown, headers: Headers = {}): void {
  sendText(reply, status, JSON.stringify(body), { 'content-type': JSON_TYPE, ...headers });
}

/** Sends a text, compressed if it is long and the client accepts gzip. */
export function sendText(reply: ServerResponse, status: number, text: string, headers: Headers): void {
  const bytes = Buffer.byteLength(text);
  if (bytes >= COMPRESS_FROM_BYTES) {
    reply.appendHeader('vary', 'accept-encoding');
    if (acceptsGzip(reply.req)) return sendCompressed(reply, status, text, headers);
  }
  reply.writeHead(status, { 'content-length': bytes, ...headers });
  // As many bytes as characters: ASCII, which Node writes without encoding it.
  reply.end(text, bytes === text.length ? 'latin1' : 'utf8');
}

function acceptsGzip(request: IncomingMessage): boolean {
  // Clients that ask for nothing are not slowed down.
  if (request.headers['accept-encoding'] === undefined) return false;
  return acceptedEncoding(request, (encoding) => encoding === 'gzip') === 'gzip';
}

function sendCompressed(reply: ServerResponse, status: number, text: string, headers: Headers): void {
  // Here, so that a header that Node refuses is an error of the caller's.
  for (const [name, value] of Object.entries(headers)) reply.setHeader(name, value);
  // In a thread of its own. No cookie signs a page in, so that none can make a browser ask for what it would guess by
  // its length (BREACH).
  gzip(text, (error, compressed) => {
    if (reply.destroyed) return;
    const body = error === null ? compressed : Buffer.from(text);
    reply.writeHead(status, {
      'content-length': body.length,
      ...(error === null && { 'content-encoding': 'gzip' }),
    });
    reply.end(body);
  });
}
