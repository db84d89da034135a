import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { EventStreams } from '../../events/event-streams.ts';
import { searchOf } from '../../http/request/search-of.ts';
import type { VmEvent } from '../../events/vm-event.ts';
import { networkOf } from '../../http/request/network-of.ts';
import { pathOf } from '../../http/request/path-of.ts';
import { answerPlain } from '../../http/response/plain-answer.ts';
import { REQUEST_ID_HEADER, requestIdOf } from '../../http/request/request-id.ts';
import { untilDrained } from '../../http/response/until-drained.ts';
import { SocketLimits } from '../access/socket-limits.ts';
import type { AccessScope } from '../../vm/access/vm-access.ts';
import { trustedCookies } from '../access/trusted-cookies.ts';
import { answerNotHere } from '../pages/answer-not-here.ts';
import type { RouteCache } from '../routing/route-cache.ts';
import type { BootPage } from './boot-page.ts';

interface BootPageEventsOptions {
  readonly streams: EventStreams;
  readonly routes: RouteCache;
  readonly bootPage: BootPage;
  readonly addressOf: (req: IncomingMessage) => string;
}

/** How often the ticket is checked, and whether a VM that is up can be reached. */
const CHECK_EVERY_MS = 1_000;
/** The page is rendered again after this many checks without an event, which also serves as the heartbeat. */
const CHECKS_PER_HEARTBEAT = 12;
const LIMITS = { perVm: 64, perTicket: 16, perNetwork: 16 };

/**
 * The server-sent events of the boot page: `view` with the main part as a JSON string whenever it changes, `up` when
 * the app can be reached.
 *
 * INVARIANTS
 * - Each event is only a hint: the VM and the client's access are looked up again before anything is sent.
 * - The stream ends with `up`, with the client's access, or with the VM.
 */
export class BootPageEvents {
  readonly #options: BootPageEventsOptions;
  readonly #limits = new SocketLimits(LIMITS);

  constructor(options: BootPageEventsOptions) {
    this.#options = options;
  }

  async serve(req: IncomingMessage, res: ServerResponse, scope: AccessScope): Promise<void> {
    const { streams, routes, addressOf } = this.#options;
    const view = await routes.findView(scope, trustedCookies(req));
    if (view === undefined) return answerNotHere(res);
    const { vm, ticket } = view;
    const release = this.#limits.acquire({ vmId: vm.id, ticketId: ticket?.id, network: networkOf(addressOf(req)) });
    if (release === undefined)
      return answerPlain(res, 429, 'Too many pages wait for this VM.', { 'Retry-After': '10' });
    const ending = new AbortController();
    res.once('close', () => ending.abort());
    const path = new URLSearchParams(searchOf(req.url)).get('of') ?? '/';
    try {
      const events = await streams.subscribe({
        userId: vm.userId,
        vmId: vm.id,
        connection: { cut: () => void res.destroy() },
      });
      ending.signal.addEventListener('abort', () => void events.return?.(), { once: true });
      if (res.destroyed) return void (await events.return?.());
      res.setHeader(REQUEST_ID_HEADER, requestIdOf(req));
      res.writeHead(200, {
        'Content-Type': 'text/event-stream; charset=utf-8',
        'Cache-Control': 'no-store',
        'X-Accel-Buffering': 'no',
      });
      res.flushHeaders();
      await this.#send(req, res, events, { scope, path, signal: ending.signal });
    } finally {
      ending.abort();
      release();
    }
    res.end();
  }

  async #send(
    req: IncomingMessage,
    res: ServerResponse,
    events: AsyncIterableIterator<VmEvent>,
    { scope, path, signal }: { scope: AccessScope; path: string; signal: AbortSignal },
  ): Promise<void> {
    const { routes, bootPage } = this.#options;
    const cookies = trustedCookies(req);
    /** A rejection is handled where the promise is awaited, possibly later. */
    const nextEvent = () => {
      const result = events.next();
      result.catch(() => undefined);
      return result;
    };
    let last = '';
    let next = nextEvent();
    for (let checks = 0; !signal.aborted; checks += 1) {
      const tick = new AbortController();
      const result = await Promise.race([
        next,
        delay(CHECK_EVERY_MS, undefined, { signal: tick.signal }).catch(() => undefined),
      ]);
      tick.abort();
      if (result?.done === true) return;
      const view = await routes.findView(scope, cookies);
      if (view === undefined) return;
      const { status } = view.vm;
      if (result !== undefined) next = nextEvent();
      else if (checks % CHECKS_PER_HEARTBEAT !== 0 && status !== 'RUNNING' && status !== 'DEGRADED') continue;
      const resolution = await routes.resolve(scope.vmId, scope.name, pathOf(path), cookies);
      if (resolution.kind !== 'unavailable') return void res.write('event: up\ndata:\n\n');
      const progress = result?.value.status === status ? result.value.progress : undefined;
      const main = JSON.stringify((await bootPage.renderMain(view, path, progress)).toString());
      res.write(main === last ? ':\n\n' : `event: view\ndata: ${main}\n\n`);
      last = main;
      await untilDrained(res);
    }
  }
}
