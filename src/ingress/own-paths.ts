import type { IncomingMessage, ServerResponse } from 'node:http';
import { pathOf } from '../lib/path-of.ts';
import type { Log } from '../log.ts';
import { OPEN_PATH } from '../vm/open-links.ts';
import { answerNotHere } from './plain-answer.ts';
import { originForm } from './request-target.ts';
import type { TicketPlace, Tickets } from './tickets.ts';

/** What the gateway itself serves at a VM's address: all of `/.swiftor/`, of which no app ever sees anything. */
export interface OwnPaths {
  /** Whether a request's target is one of them. */
  has(url: string | undefined): boolean;
  /** Never throws. */
  handle(req: IncomingMessage, res: ServerResponse, place: TicketPlace): void;
}

const PREFIX = '/.swiftor/';

export function createOwnPaths({ tickets, log }: { tickets: Tickets; log: Log }): OwnPaths {
  const serve = async (req: IncomingMessage, res: ServerResponse, place: TicketPlace): Promise<void> => {
    const path = pathOf(originForm(req.url ?? '/'));
    if (path === OPEN_PATH) return tickets.redeem(req, res, place);
    answerNotHere(res);
  };
  return {
    has: (url) => originForm(url ?? '/').startsWith(PREFIX),
    handle(req, res, place) {
      serve(req, res, place).catch((error: unknown) => {
        log.error({ err: error, vmId: place.vmId }, 'a path of the gateway at a VM could not be served');
        answerNotHere(res);
      });
    },
  };
}
