import type { IncomingMessage, ServerResponse } from 'node:http';
import type { BuiltFiles } from '../../http/response/built-files.ts';
import { answerPlain, answerUnavailable } from '../../http/response/plain-answer.ts';
import { sendCached } from '../../http/response/send-cached.ts';
import type { AccessScope } from '../../vm/access/vm-access.ts';
import type { InsideDependencies } from '../../vm/inside/vm-terminals.ts';
import type { Log } from '../../log.ts';
import { trustedCookies } from '../access/trusted-cookies.ts';
import type { Tickets } from '../access/tickets.ts';
import { answerNotHere } from '../pages/answer-not-here.ts';
import type { RouteCache } from '../routing/route-cache.ts';
import type { BootPage } from '../waiting/boot-page.ts';
import { admit } from './admit.ts';
import { renderInsidePage } from './render-inside-page.ts';
import { TerminalSockets } from './terminal-sockets.ts';

export const TERMINAL_PATH = '/.swiftor/terminal';
const ASSETS_PREFIX = '/.swiftor/assets';
const ASSET_HEADERS = { 'Cache-Control': 'private, no-cache', 'X-Content-Type-Options': 'nosniff' };

export interface InsidePathsOptions extends InsideDependencies {
  readonly routes: RouteCache;
  readonly bootPage: BootPage;
  readonly tickets: Tickets;
  /** Scripts and styles of the pages; undefined if they have not been built. */
  readonly files: BuiltFiles | undefined;
  readonly addressOf: (req: IncomingMessage) => string;
  readonly log: Log;
}

/** The paths that reach into a VM's container. All but the scripts and styles are for accesses with control. */
export class InsidePaths {
  readonly #options: InsidePathsOptions;
  readonly terminals: TerminalSockets;

  constructor(options: InsidePathsOptions) {
    this.#options = options;
    this.terminals = new TerminalSockets(options);
  }

  has(path: string): boolean {
    return path === TERMINAL_PATH || path.startsWith(`${ASSETS_PREFIX}/`);
  }

  async serve(req: IncomingMessage, res: ServerResponse, scope: AccessScope, path: string): Promise<void> {
    if (path !== TERMINAL_PATH) return this.#sendAsset(req, res, scope, path.slice(ASSETS_PREFIX.length));
    const admitted = await admit(this.#options, req, res, scope);
    if (admitted === undefined) return;
    if (req.method !== 'GET' && req.method !== 'HEAD')
      return answerPlain(res, 405, 'The terminal is a page and a WebSocket.', { Allow: 'GET, HEAD' });
    if (this.#options.files === undefined)
      return answerUnavailable(res, 60, 'The page of the terminal is not built: npm start builds it.');
    const { vm, ticket } = admitted;
    const kind = this.#options.catalog.distributions.get(vm.distribution)?.name ?? vm.distribution;
    const { body, headers } = renderInsidePage('terminal', ticket.isGuest ? kind : vm.vmlabel);
    answerPlain(res, 200, body, headers);
  }

  async upgrade(
    req: IncomingMessage,
    res: ServerResponse,
    head: Buffer,
    scope: AccessScope,
    path: string,
  ): Promise<void> {
    if (path !== TERMINAL_PATH) return answerNotHere(res);
    const admitted = await admit(this.#options, req, res, scope);
    if (admitted !== undefined) this.terminals.accept(req, res, head, admitted);
  }

  async #sendAsset(req: IncomingMessage, res: ServerResponse, scope: AccessScope, name: string): Promise<void> {
    const { tickets, files } = this.#options;
    const file = tickets.hasClaim(trustedCookies(req), scope) ? files?.get(name) : undefined;
    if (file === undefined) return answerNotHere(res);
    await sendCached(req, res, file, ASSET_HEADERS);
  }
}
