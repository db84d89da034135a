import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { brotliCompress, constants } from 'node:zlib';
import { sendCached, type CachedContent } from '../../http/response/send-cached.ts';
import { GRAPHQL_PATH } from './graphql-path.ts';

const compress = promisify(brotliCompress);
/** A fifth of the size within about a second; the best quality takes half a minute. */
const QUALITY = 5;

/**
 * The GraphiQL page, 9 MB with its bundled scripts, so that it works offline. It is rendered and compressed when
 * somebody first opens it, kept, and revalidated by browsers.
 */
export class GraphiqlPage {
  #compressed: Promise<CachedContent> | undefined;

  async send(request: IncomingMessage, reply: ServerResponse): Promise<void> {
    this.#compressed ??= compressPage();
    // A failure is not kept.
    this.#compressed.catch(() => (this.#compressed = undefined));
    await sendCached(request, reply, await this.#compressed, { 'cache-control': 'no-cache' });
  }
}

async function compressPage(): Promise<CachedContent> {
  const br = await compress(await renderPage(), { params: { [constants.BROTLI_PARAM_QUALITY]: QUALITY } });
  return {
    type: 'text/html; charset=utf-8',
    etag: `"${createHash('sha256').update(br).digest('base64url').slice(0, 22)}"`,
    // Browsers accept brotli, so the page itself is not kept.
    bodies: { br, identity: renderPage },
  };
}

async function renderPage(): Promise<Buffer> {
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
  const page = renderGraphiQL({
    title: 'Swiftor Gateway',
    endpoint: GRAPHQL_PATH,
    // It sends its headers with subscriptions, and so the token.
    subscriptionsProtocol: 'SSE',
    headers: '{"authorization": "Bearer TOKEN"}',
  });
  return Buffer.from(page);
}
