import type { IncomingMessage, ServerResponse } from 'node:http';
import type { OidcClient } from '../config/oidc-client.ts';
import { sendCached } from '../http/response/send-cached.ts';
import { sendJson } from '../http/response/send-response.ts';
import { dashboardHeaders } from './dashboard-headers.ts';
import type { BuiltFile, BuiltFiles } from '../http/response/built-files.ts';

interface DashboardOptions {
  readonly files: BuiltFiles;
  readonly oidc: OidcClient | undefined;
  readonly graphiql: boolean;
}

/** The first segments of the page's addresses; everything else belongs to the APIs. */
const SCREENS: ReadonlySet<string> = new Set(['', 'new', 'vm', 'catalog', 'activity', 'account', 'sign-in']);
const INDEX = '/index.html';
/** The service worker, which browsers look for at the same address always. */
const WORKER = '/renewal-worker.js';
const CONFIG_PATH = '/dashboard.json';

/**
 * Serves the built page from memory, at the addresses of its screens to browsers only.
 *
 * INVARIANTS
 * - It needs no token and knows nothing of any account.
 * - Every reply has the headers of `dashboardHeaders`, and none allows another origin to read it.
 */
export class Dashboard {
  readonly #options: DashboardOptions;
  readonly #headers: Readonly<Record<string, string>>;
  /** The path of the page's script, by which an open page notices that it is outdated. */
  readonly #build: string;

  constructor(options: DashboardOptions) {
    this.#options = options;
    this.#headers = dashboardHeaders(options.oidc?.issuer);
    const page = options.files.get(INDEX)?.bodies.identity.toString() ?? '';
    this.#build = /src="(\/assets\/first-[^"]+)"/.exec(page)?.[1] ?? '';
  }

  /** Whether the request is for the page or one of its files. */
  has(request: IncomingMessage, path: string): boolean {
    if (request.method !== 'GET' && request.method !== 'HEAD') return false;
    return path === CONFIG_PATH || this.#fileOf(request, path) !== undefined;
  }

  /** Answers a request for which `has` is true. */
  async serve(request: IncomingMessage, reply: ServerResponse, path: string): Promise<void> {
    const file = this.#fileOf(request, path);
    if (file === undefined) return this.#sendConfig(reply);
    const cacheControl = file.isImmutable ? 'public, max-age=31536000, immutable' : 'no-cache';
    await sendCached(request, reply, file, { ...this.#headers, 'cache-control': cacheControl });
  }

  #fileOf({ headers }: IncomingMessage, path: string): BuiltFile | undefined {
    const { files } = this.#options;
    if (path.startsWith('/assets/') || path === WORKER) return files.get(path);
    const [, screen = ''] = path.split('/');
    const isPage = SCREENS.has(screen) && (headers.accept ?? '').includes('text/html');
    return isPage ? files.get(INDEX) : undefined;
  }

  #sendConfig(reply: ServerResponse): void {
    const { oidc, graphiql } = this.#options;
    const config = { build: this.#build, oidc: oidc ?? null, graphiql };
    sendJson(reply, 200, config, { ...this.#headers, 'cache-control': 'no-store' });
  }
}
