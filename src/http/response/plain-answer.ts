import { STATUS_CODES, type ServerResponse } from 'node:http';
import { REQUEST_ID_HEADER, requestIdOf } from '../request/request-id.ts';

/**
 * Answers with a text of the gateway, as plain text unless `headers` override that. A response that has already begun
 * is cut, because a clean end would make it look complete.
 */
export function answerPlain(
  res: ServerResponse,
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  if (res.headersSent || res.destroyed) {
    res.destroy();
    return;
  }
  const body = Buffer.from(text);
  // Set the reason explicitly: an earlier writeHead that threw may have left another one.
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

/** Answers 503 with Retry-After. */
export function answerUnavailable(res: ServerResponse, retryAfterSeconds: number, message: string): void {
  answerPlain(res, 503, message, { 'Retry-After': String(Math.max(1, Math.ceil(retryAfterSeconds))) });
}
