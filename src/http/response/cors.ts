import type { IncomingMessage, ServerResponse } from 'node:http';
import cors from 'cors';
import { isAllowedOrigin, type OriginRule } from '../request/allowed-origin.ts';
import { REQUEST_ID_HEADER } from '../request/request-id.ts';

const SETTINGS = {
  methods: ['GET', 'HEAD', 'POST', 'DELETE'],
  // Allowed headers are those that the preflight asks for: clients add their own for tracing.
  exposedHeaders: ['Allow', 'Deprecation', 'Link', 'Retry-After', 'WWW-Authenticate', REQUEST_ID_HEADER],
  maxAge: 86_400,
};

/**
 * Sets the CORS headers of an answer of the API. Returns whether the request was a preflight, and is answered. A page
 * of an origin that is not allowed gets no headers, so that its browser keeps the answer from it.
 */
export function createCors(rule: OriginRule): (request: IncomingMessage, reply: ServerResponse) => boolean {
  const answer = cors({
    ...SETTINGS,
    origin: rule.allowed.has('*') ? '*' : true,
  });
  return (request, reply) => {
    const { origin, host } = request.headers;
    reply.setHeader('vary', 'Origin');
    const isPreflight = request.method === 'OPTIONS';
    if (origin !== undefined && isAllowedOrigin(origin, host, rule)) answer(request, reply, () => undefined);
    else if (isPreflight) reply.writeHead(204, { 'content-length': '0' }).end();
    return isPreflight;
  };
}
