import { STATUS_CODES, type ServerResponse } from 'node:http';
import { REQUEST_ID_HEADER, requestIdOf } from './request-id.ts';

/**
 * Answers in the gateway's own words, as plain text unless the headers say otherwise. A response that has begun is destroyed
 * instead: a clean end would pass off as whole what is not.
 */
export function answerPlain(res: ServerResponse, status: number, text: string, headers: Readonly<Record<string, string>> = {}): void {
  if (res.headersSent || res.destroyed) {
    res.destroy();
    return;
  }
  const body = Buffer.from(text);
  // The reason is named, since a failed writeHead before this one may have left another behind.
  res.writeHead(status, STATUS_CODES[status] ?? '', {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': String(body.length),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    [REQUEST_ID_HEADER]: requestIdOf(res.req),
    ...headers,
  });
  res.end(body);
}

/** The same bytes for a VM or mapping that is not there, one that the client may not see, and a host of nobody. */
export function answerNotHere(res: ServerResponse): void {
  answerPlain(res, 404, 'not here');
}

/** Not now; a client may come back after `retryAfterSeconds`. */
export function answerUnavailable(res: ServerResponse, retryAfterSeconds: number, message: string): void {
  answerPlain(res, 503, message, { 'Retry-After': String(Math.max(1, Math.ceil(retryAfterSeconds))) });
}
