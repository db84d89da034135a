import type { IncomingMessage, ServerResponse } from 'node:http';
import { isDatabaseUnavailable } from '../db/database-errors.ts';
import { pathOf } from '../http/request/path-of.ts';
import { answerPlain, answerUnavailable } from '../http/response/plain-answer.ts';
import { requestIdOf } from '../http/request/request-id.ts';
import { hasBody, originForm } from '../http/request/request-target.ts';
import type { Log } from '../log.ts';
import type { AccessScope } from '../vm/access/vm-access.ts';
import { OPEN_PATH } from '../vm/commands/vm-access.ts';
import { redeemLink, type RedeemOptions } from './access/redeem-link.ts';
import type { Refusals } from './access/refusals.ts';
import { trustedCookies } from './access/trusted-cookies.ts';
import { answerNotHere } from './pages/answer-not-here.ts';
import type { InsidePaths } from './inside/inside-paths.ts';
import { destroyOnEnd, responseOnSocket } from './proxy/websocket.ts';
import type { RouteCache } from './routing/route-cache.ts';
import type { BootPageEvents } from './waiting/boot-page-events.ts';
import { EVENTS_PATH, START_PATH, type BootPage } from './waiting/boot-page.ts';

const PREFIX = '/.swiftor/';

interface OwnPathsOptions extends Omit<RedeemOptions, 'onRedeemed'> {
  readonly routes: RouteCache;
  readonly refusals: Refusals;
  readonly bootPage: BootPage;
  readonly bootPageEvents: BootPageEvents;
  readonly inside: InsidePaths;
  readonly log: Log;
}

/** The gateway's own paths at a VM's address, all below `/.swiftor/`. Apps never see requests for them. */
export class OwnPaths {
  readonly #options: OwnPathsOptions;

  constructor(options: OwnPathsOptions) {
    this.#options = options;
  }

  has(url: string | undefined): boolean {
    return originForm(url ?? '/').startsWith(PREFIX);
  }

  /** Serves a request. Never throws. */
  handle(req: IncomingMessage, res: ServerResponse, scope: AccessScope): void {
    this.#serve(req, res, scope).catch((error: unknown) => this.#answerError(req, res, scope, error));
  }

  /** Serves an upgrade request. Never throws. */
  upgrade(req: IncomingMessage, head: Buffer, scope: AccessScope): void {
    const res = responseOnSocket(req);
    if (res === undefined) return;
    // A body could not be told from the data of the WebSocket.
    if (hasBody(req)) return answerPlain(res, 400, 'An upgrade request must not have a body.');
    const keepOnEnd = destroyOnEnd(req.socket);
    this.#upgrade(req, res, head, scope)
      .catch((error: unknown) => this.#answerError(req, res, scope, error))
      .finally(keepOnEnd);
  }

  async #upgrade(req: IncomingMessage, res: ServerResponse, head: Buffer, scope: AccessScope): Promise<void> {
    const { tickets, refusals, inside } = this.#options;
    if (!tickets.hasClaim(trustedCookies(req), scope) && refusals.count(req, res)) return;
    await inside.upgrade(req, res, head, scope, pathOf(originForm(req.url ?? '/')));
  }

  #answerError(req: IncomingMessage, res: ServerResponse, { vmId }: AccessScope, err: unknown): void {
    if (res.destroyed) return;
    if (!isDatabaseUnavailable(err))
      this.#options.log.error({ requestId: requestIdOf(req), vmId, err }, 'failed to serve a path below /.swiftor/');
    answerUnavailable(res, 2, 'The gateway cannot look this up now; try again shortly.');
  }

  async #serve(req: IncomingMessage, res: ServerResponse, scope: AccessScope): Promise<void> {
    const { tickets, routes, refusals, bootPage, bootPageEvents, inside } = this.#options;
    const cookies = trustedCookies(req);
    // Each costs a statement or more, and who has no ticket needs few of them.
    if (!tickets.hasClaim(cookies, scope) && refusals.count(req, res)) return;
    const path = pathOf(originForm(req.url ?? '/'));
    if (path === OPEN_PATH) {
      const onRedeemed = (vmId: string): void => routes.readAgain(vmId);
      return redeemLink(req, res, scope, { ...this.#options, onRedeemed });
    }
    if (path === EVENTS_PATH) return bootPageEvents.serve(req, res, scope);
    if (path === START_PATH) return bootPage.start(req, res, await routes.findView(scope, cookies));
    if (inside.has(path)) return inside.serve(req, res, scope, path);
    answerNotHere(res);
  }
}
