import type { ServerResponse } from 'node:http';

/** Sends a JSON document. */
export function sendJson(
  reply: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  const text = JSON.stringify(body);
  const bytes = Buffer.byteLength(text);
  reply.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': bytes,
    ...headers,
  });
  // As many bytes as characters: ASCII, which Node writes without encoding it.
  reply.end(text, bytes === text.length ? 'latin1' : 'utf8');
}
