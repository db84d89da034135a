import type { IncomingMessage, ServerResponse } from 'node:http';
import { timingSafeEqual } from 'node:crypto';
import type { Db } from '../db/database.ts';
import type { SecretBox } from '../vm/secret-box.ts';
import { pathOf } from '../lib/path-of.ts';
import { OPEN_PATH, redeemOpenLink } from '../vm/open-links.ts';
import type { OwnCookies } from './own-cookies.ts';
import { answerNotHere } from './plain-answer.ts';

/** An address: a VM's own, or that of one of its mappings. */
export interface TicketPlace {
  readonly vmId: string;
  readonly name: string | undefined;
}

export interface Tickets {
  /** Whether the request's path is where links are redeemed. */
  isLink(url: string | undefined): boolean;
  /** Answers a link: once, a cookie of that host only, and on to the app; then, and for anything else, "not here". */
  redeem(req: IncomingMessage, res: ServerResponse, place: TicketPlace): Promise<void>;
  /** Whether a cookie among these opens the place now. */
  opens(cookies: OwnCookies, place: TicketPlace): boolean;
}

const COOKIE = 'swiftor_ticket';

/**
 * A ticket is a cookie with its end and a signature over both place and end: nothing is stored, nothing can be altered,
 * and it is worth nothing at another address. Host-only (no Domain), so the app of a sibling VM never receives it.
 */
export function createTickets({ db, box, secure }: { db: Db; box: SecretBox; secure: boolean }): Tickets {
  const signatureOf = ({ vmId, name }: TicketPlace, until: number): string =>
    box.fingerprint(JSON.stringify(['ticket', vmId, name ?? null, until]));

  return {
    isLink: (url) => pathOf(url) === OPEN_PATH,

    async redeem(req, res, place) {
      const token = new URLSearchParams((req.url ?? '').split('?')[1]).get('ticket') ?? '';
      const until = req.method === 'GET' ? await redeemOpenLink(db, token, place.vmId, place.name) : undefined;
      if (until === undefined || until.getTime() <= Date.now()) {
        answerNotHere(res);
        return;
      }
      const value = `${until.getTime()}.${signatureOf(place, until.getTime())}`;
      const flags = `Path=/; HttpOnly; SameSite=Lax; Expires=${until.toUTCString()}${secure ? '; Secure' : ''}`;
      res.writeHead(303, {
        location: '/',
        'set-cookie': `${COOKIE}=${value}; ${flags}`,
        'cache-control': 'no-store',
        'referrer-policy': 'no-referrer',
      });
      res.end();
    },

    opens(cookies, place) {
      return (cookies.get(COOKIE) ?? []).some((value) => {
        const [, until = '', signature = ''] = /^(\d{1,16})\.([\w-]+)$/.exec(value) ?? [];
        const expected = Buffer.from(signatureOf(place, Number(until)));
        const given = Buffer.from(signature);
        return Number(until) > Date.now() && given.length === expected.length && timingSafeEqual(given, expected);
      });
    },
  };
}
