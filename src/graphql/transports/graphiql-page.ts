import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { brotliCompress, constants } from 'node:zlib';
import { acceptedEncoding } from '../../http/request/accepted-encoding.ts';
import { GRAPHQL_PATH } from './graphql-path.ts';

const compress = promisify(brotliCompress);
/** A fifth of the size within about a second; the best quality takes half a minute. */
const QUALITY = 5;

interface Compressed {
  readonly body: Buffer;
  readonly etag: string;
}

/**
 * The GraphiQL page, 9 MB with its bundled scripts, so that it works offline. It is rendered and compressed when
 * somebody first opens it, kept, and revalidated by browsers.
 */
export class GraphiqlPage {
  #compressed: Promise<Compressed> | undefined;

  async send(request: IncomingMessage, reply: ServerResponse): Promise<void> {
    this.#compressed ??= compressPage();
    // A failure is not kept.
    this.#compressed.catch(() => (this.#compressed = undefined));
    const { body, etag } = await this.#compressed;
    const headers = { etag, vary: 'accept, accept-encoding', 'cache-control': 'no-cache' };
    if (request.headers['if-none-match']?.includes(etag) === true) {
      reply.writeHead(304, headers).end();
      return;
    }
    const encoding = acceptedEncoding(request.headers['accept-encoding'], (name) => name === 'br');
    const content = encoding === 'br' ? body : Buffer.from(await renderPage());
    reply.writeHead(200, {
      ...headers,
      'content-type': 'text/html; charset=utf-8',
      'content-length': content.length,
      ...(encoding === 'br' && { 'content-encoding': encoding }),
    });
    reply.end(content);
  }
}

async function compressPage(): Promise<Compressed> {
  const page = await renderPage();
  const body = await compress(page, { params: { [constants.BROTLI_PARAM_QUALITY]: QUALITY } });
  return { body, etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"` };
}

async function renderPage(): Promise<string> {
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
  return renderGraphiQL({
    title: 'Swiftor Gateway',
    endpoint: GRAPHQL_PATH,
    // It sends its headers with subscriptions, and so the token.
    subscriptionsProtocol: 'SSE',
    headers: '{"authorization": "Bearer TOKEN"}',
  });
}
