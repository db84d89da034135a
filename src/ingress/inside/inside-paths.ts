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
import { wantsPage } from '../pages/wants-page.ts';
import type { RouteCache } from '../routing/route-cache.ts';
import type { BootPage } from '../waiting/boot-page.ts';
import { admit, type Admitted } from './admit.ts';
import { FileTransfers } from './file-transfers.ts';
import { renderInsidePage } from './render-inside-page.ts';
import { TerminalSockets } from './terminal-sockets.ts';

const TERMINAL_PATH = '/.swiftor/terminal';
const FILES_PATH = '/.swiftor/files';
const FILE_PATH = '/.swiftor/file';
const METHODS: Readonly<Record<string, readonly string[]>> = {
  [TERMINAL_PATH]: ['GET', 'HEAD'],
  [FILES_PATH]: ['GET', 'HEAD'],
  [FILE_PATH]: ['GET', 'PUT'],
};
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
  readonly #files: FileTransfers;
  readonly terminals: TerminalSockets;

  constructor(options: InsidePathsOptions) {
    this.#options = options;
    this.#files = new FileTransfers(options);
    this.terminals = new TerminalSockets(options);
  }

  has(path: string): boolean {
    return path in METHODS || path.startsWith(`${ASSETS_PREFIX}/`);
  }

  async serve(req: IncomingMessage, res: ServerResponse, scope: AccessScope, path: string): Promise<void> {
    const methods = METHODS[path];
    if (methods === undefined) return this.#sendAsset(req, res, scope, path.slice(ASSETS_PREFIX.length));
    const admitted = await admit(this.#options, req, res, scope);
    if (admitted === undefined) return;
    if (!methods.includes(req.method ?? ''))
      return answerPlain(res, 405, 'This method is not allowed here.', { Allow: methods.join(', ') });
    if (path === FILE_PATH && req.method === 'PUT') return this.#files.write(req, res, admitted);
    if (path === FILE_PATH) return this.#files.read(req, res, admitted);
    if (path === FILES_PATH && !wantsPage(req)) return this.#files.list(req, res, admitted);
    this.#sendPage(res, path === FILES_PATH ? 'files' : 'terminal', admitted);
  }

  close(): void {
    this.terminals.close();
    this.#files.close();
  }

  #sendPage(res: ServerResponse, name: 'files' | 'terminal', { vm, ticket }: Admitted): void {
    const { files, catalog } = this.#options;
    if (files === undefined) return answerUnavailable(res, 60, 'This page is not built: npm start builds it.');
    const kind = catalog.distributions.get(vm.distribution)?.name ?? vm.distribution;
    const { body, headers } = renderInsidePage(name, ticket.isGuest ? kind : vm.vmlabel);
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
