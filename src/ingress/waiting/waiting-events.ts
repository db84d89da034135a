import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { EventStreams } from '../../events/event-streams.ts';
import type { VmEvent } from '../../events/vm-event.ts';
import { pathOf } from '../../http/path-of.ts';
import { REQUEST_ID_HEADER, requestIdOf } from '../../http/request-id.ts';
import { untilDrained } from '../../http/until-drained.ts';
import type { HostTable } from '../routing/host-table.ts';
import { answerNotHere, answerPlain } from '../../http/plain-answer.ts';
import { createSocketLimits } from '../access/socket-limits.ts';
import type { TicketPlace } from '../access/tickets.ts';
import { trustedCookies } from '../access/trusted-cookies.ts';
import type { WaitingRoom } from './waiting-room.ts';

/** Says what the waiting page shows, again and again until the app can be reached. */
export type ServeWaitingEvents = (req: IncomingMessage, res: ServerResponse, place: TicketPlace) => Promise<void>;

interface Dependencies {
  readonly streams: EventStreams;
  readonly hosts: Pick<HostTable, 'look' | 'resolve'>;
  readonly room: Pick<WaitingRoom, 'view'>;
}

/** How often one that is up by its row is tried, and whoever waits is asked for their ticket. */
const LOOK_EVERY_MS = 1_000;
/** Each so many looks something is said, and what no event tells is shown. */
const SAY_EVERY_LOOKS = 12;
const MOST = { perVm: 64, perTicket: 16 };

/**
 * Server-sent events: `view` with the page's main part, as JSON text, whenever it is another; `up` when the app can be reached. Fed by
 * the VM's own events, each of which is looked up anew; ends with the ticket, or when the VM is gone.
 */
export function createWaitingEvents({ streams, hosts, room }: Dependencies): ServeWaitingEvents {
  const limits = createSocketLimits(MOST);
  return async (req, res, place) => {
    const sight = await hosts.look(place, trustedCookies(req));
    if (sight === undefined) return answerNotHere(res);
    const { vm, ticket } = sight;
    const leave = limits.enter(vm.id, ticket?.id);
    if (leave === undefined) return answerPlain(res, 429, 'Too many pages wait for this VM.', { 'Retry-After': '10' });
    const over = new AbortController();
    res.once('close', () => over.abort());
    const path = new URLSearchParams((req.url ?? '').split('?')[1]).get('of') ?? '/';
    try {
      const events = await streams.subscribe({ userId: vm.userId, vmId: vm.id, connection: { cut: () => void res.destroy() } });
      over.signal.addEventListener('abort', () => void events.return?.(), { once: true });
      if (res.destroyed) return void (await events.return?.());
      res.setHeader(REQUEST_ID_HEADER, requestIdOf(req));
      res.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8', 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no' });
      res.flushHeaders();
      await tell(req, res, events, { place, path, signal: over.signal });
    } finally {
      over.abort();
      leave();
    }
    res.end();
  };

  async function tell(
    req: IncomingMessage,
    res: ServerResponse,
    events: AsyncIterableIterator<VmEvent>,
    { place, path, signal }: { place: TicketPlace; path: string; signal: AbortSignal },
  ): Promise<void> {
    const cookies = trustedCookies(req);
    /** A failure is met where it is awaited, which may be a moment later. */
    const nextEvent = () => {
      const result = events.next();
      result.catch(() => undefined);
      return result;
    };
    let last = '';
    let next = nextEvent();
    for (let looks = 0; !signal.aborted; looks += 1) {
      const tick = new AbortController();
      const result = await Promise.race([next, delay(LOOK_EVERY_MS, undefined, { signal: tick.signal }).catch(() => undefined)]);
      tick.abort();
      if (result?.done === true) return;
      const sight = await hosts.look(place, cookies);
      if (sight === undefined) return;
      const { status } = sight.vm;
      if (result !== undefined) next = nextEvent();
      else if (looks % SAY_EVERY_LOOKS !== 0 && status !== 'RUNNING' && status !== 'DEGRADED') continue;
      const resolution = await hosts.resolve(place.vmId, place.name, pathOf(path), cookies);
      if (resolution.kind !== 'unavailable') return void res.write('event: up\ndata:\n\n');
      const progress = result?.value.status === status ? result.value.progress : undefined;
      const view = JSON.stringify((await room.view(sight, path, progress)).toString());
      res.write(view === last ? ':\n\n' : `event: view\ndata: ${view}\n\n`);
      last = view;
      await untilDrained(res);
    }
  }
}
