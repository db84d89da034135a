import type { IncomingMessage, ServerResponse } from 'node:http';
import { isDatabaseUnavailable } from '../db/database.ts';
import { pathOf } from '../http/path-of.ts';
import { requestIdOf } from '../http/request-id.ts';
import type { Log } from '../log.ts';
import { OPEN_PATH } from '../vm/commands/open-links.ts';
import type { HostTable } from './routing/host-table.ts';
import { answerNotHere, answerUnavailable } from '../http/plain-answer.ts';
import { originForm } from '../http/request-target.ts';
import type { TicketPlace, Tickets } from './access/tickets.ts';
import { trustedCookies } from './access/trusted-cookies.ts';
import type { ServeWaitingEvents } from './waiting/waiting-events.ts';
import { EVENTS_PATH, START_PATH, type WaitingRoom } from './waiting/waiting-room.ts';

/** What the gateway itself serves at a VM's address: all of `/.swiftor/`, of which no app ever sees anything. */
export interface OwnPaths {
  /** Whether a request's target is one of them. */
  has(url: string | undefined): boolean;
  /** Never throws. */
  handle(req: IncomingMessage, res: ServerResponse, place: TicketPlace): void;
}

const PREFIX = '/.swiftor/';

interface Dependencies {
  readonly tickets: Tickets;
  readonly hosts: Pick<HostTable, 'look'>;
  readonly room: WaitingRoom;
  readonly serveEvents: ServeWaitingEvents;
  readonly log: Log;
}

export function createOwnPaths({ tickets, hosts, room, serveEvents, log }: Dependencies): OwnPaths {
  const serve = async (req: IncomingMessage, res: ServerResponse, place: TicketPlace): Promise<void> => {
    const path = pathOf(originForm(req.url ?? '/'));
    if (path === OPEN_PATH) return tickets.redeem(req, res, place);
    if (path === EVENTS_PATH) return serveEvents(req, res, place);
    if (path === START_PATH) return room.start(req, res, await hosts.look(place, trustedCookies(req)));
    answerNotHere(res);
  };
  return {
    has: (url) => originForm(url ?? '/').startsWith(PREFIX),
    handle(req, res, place) {
      serve(req, res, place).catch((error: unknown) => {
        if (res.destroyed) return;
        if (!isDatabaseUnavailable(error))
          log.error({ requestId: requestIdOf(req), vmId: place.vmId, err: error }, 'a path of the gateway at a VM could not be served');
        answerUnavailable(res, 2, 'The gateway cannot tell where this is; try again shortly.');
      });
    },
  };
}
