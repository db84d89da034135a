import type { IncomingMessage, ServerResponse } from 'node:http';
import { acceptedEncoding, type Encoding } from '../request/accepted-encoding.ts';

/** What browsers keep, and revalidate by its etag. */
export interface CachedContent {
  readonly type: string;
  readonly etag: string;
  /** Each encoding that there is; `identity` always is. */
  readonly bodies: { readonly identity: Body } & { readonly [encoding in Encoding]?: Body | undefined };
}

/** The bytes, or what makes them when they are needed. */
type Body = Buffer | (() => Promise<Buffer>);

/** Sends the content in the smallest encoding that the client accepts, or 304 if the client has it. */
export async function sendCached(
  request: IncomingMessage,
  reply: ServerResponse,
  { type, etag, bodies }: CachedContent,
  headers: Readonly<Record<string, string>>,
): Promise<void> {
  const common = { ...headers, etag, vary: 'accept, accept-encoding' };
  if (request.headers['if-none-match']?.includes(etag) === true) {
    reply.writeHead(304, common).end();
    return;
  }
  const encoding = acceptedEncoding(request, (name) => bodies[name] !== undefined);
  const chosen = bodies[encoding] ?? bodies.identity;
  const body = Buffer.isBuffer(chosen) ? chosen : await chosen();
  reply.writeHead(200, {
    ...common,
    'content-type': type,
    'content-length': body.length,
    ...(encoding !== 'identity' && { 'content-encoding': encoding }),
  });
  reply.end(body);
}
