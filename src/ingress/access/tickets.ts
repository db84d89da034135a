import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { timingSafeEqual } from 'node:crypto';
import type { Db } from '../../db/database.ts';
import type { SecretBox } from '../../secrets/secret-box.ts';
import { redeemOpenLink } from '../../vm/commands/open-links.ts';
import type { OwnCookies } from './own-cookies.ts';
import { answerNotHere } from '../../http/plain-answer.ts';
import { REQUEST_ID_HEADER, requestIdOf } from '../../http/request-id.ts';
import { trustedCookies } from './trusted-cookies.ts';

/** An address: a VM's own, with all its paths, or that of one of its mappings. */
export interface TicketPlace {
  readonly vmId: string;
  readonly name: string | undefined;
}

/** The right to one address, in the browser of whoever opened the link. */
export interface Ticket {
  /** Tells tickets apart: what is limited for each counts by it. */
  readonly id: string;
  /** Who made the link. */
  readonly userId: string;
  /** When it ends, in ms since 1970: with the token that the link was made with. What goes through it ends too. */
  readonly until: number;
}

export interface Tickets {
  /** Answers a link: once, a cookie of that host only, and on to the app; then, and for anything else, "not here". */
  redeem(req: IncomingMessage, res: ServerResponse, place: TicketPlace): Promise<void>;
  /** The ticket among these cookies that opens the place now. */
  find(cookies: OwnCookies, place: TicketPlace): Ticket | undefined;
}

/** Verified cookies that are remembered: a page asks for a hundred things with the same one. */
const REMEMBERED = 10_000;
/** Who looks at a link without a person: chats that draw previews, mail scanners, crawlers. They must not use it up. */
const ROBOT = /bot\b|crawl|spider|preview|externalhit|unfurl|scanner|safelinks/i;

/**
 * A ticket is a cookie with its holder, its end and a signature over these and the place: nothing is stored, nothing can be
 * altered, and it is worth nothing at another address. Host-only (no Domain, and over https a name that browsers let nobody
 * else set), so the app of a sibling VM neither receives it nor plants one.
 */
export function createTickets(options: {
  db: Db;
  secretBox: SecretBox;
  addressOf: (request: IncomingMessage) => string;
  secure: boolean;
}): Tickets {
  const { db, secretBox, addressOf, secure } = options;
  const cookieName = secure ? '__Host-swiftor_ticket' : 'swiftor_ticket';
  const remembered = new Map<string, Ticket>();
  /** By the very cookies that it was found among: the requests of one connection mostly share them. */
  const found = new WeakMap<OwnCookies, { readonly place: TicketPlace; readonly ticket: Ticket }>();

  const signatureOf = ({ vmId, name }: TicketPlace, userId: string, until: number): string =>
    secretBox.sign(JSON.stringify(['ticket', vmId, name ?? null, userId, until]));

  const verify = (value: string, place: TicketPlace): Ticket | undefined => {
    const [, end = '', holder = '', signature = ''] = /^(\d{1,16})\.([\w-]{1,400})\.([\w-]{1,100})$/.exec(value) ?? [];
    const [until, userId] = [Number(end), Buffer.from(holder, 'base64url').toString()];
    const expected = Buffer.from(signatureOf(place, userId, until));
    const given = Buffer.from(signature);
    return given.length === expected.length && timingSafeEqual(given, expected) ? { id: signature, userId, until } : undefined;
  };

  const remember = (key: string, ticket: Ticket): void => {
    remembered.set(key, ticket);
    const [oldest] = remembered.keys();
    if (remembered.size > REMEMBERED && oldest !== undefined) remembered.delete(oldest);
  };

  const find: Tickets['find'] = (cookies, place) => {
    const before = found.get(cookies);
    const isSame = before !== undefined && before.place.vmId === place.vmId && before.place.name === place.name;
    if (isSame && before.ticket.until > Date.now()) return before.ticket;
    const ticket = search(cookies, place);
    if (ticket !== undefined) found.set(cookies, { place, ticket });
    return ticket;
  };

  const search: Tickets['find'] = (cookies, place) => {
    for (const value of cookies.get(cookieName) ?? []) {
      const key = `${place.vmId} ${place.name ?? ''} ${value}`;
      const known = remembered.get(key);
      const ticket = known ?? verify(value, place);
      if (ticket === undefined) continue;
      if (ticket.until <= Date.now()) remembered.delete(key);
      else {
        if (known === undefined) remember(key, ticket);
        return ticket;
      }
    }
    return undefined;
  };

  return {
    find,
    async redeem(req, res, place) {
      const id = { [REQUEST_ID_HEADER]: requestIdOf(req) };
      const token = new URLSearchParams((req.url ?? '').split('?')[1]).get('ticket') ?? '';
      const link =
        req.method === 'GET' && !isSpeculative(req.headers)
          ? await redeemOpenLink(db, token, { ...place, from: addressOf(req) })
          : undefined;
      const { userId, until } = link ?? { userId: '', until: 0 };
      if (until > Date.now()) {
        const value = `${until}.${Buffer.from(userId).toString('base64url')}.${signatureOf(place, userId, until)}`;
        const flags = `Path=/; HttpOnly; SameSite=Lax; Expires=${new Date(until).toUTCString()}${secure ? '; Secure' : ''}`;
        return sendToApp(res, { ...id, 'set-cookie': `${cookieName}=${value}; ${flags}` });
      }
      // The same browser again, by a second click or its history: it has what the link would give.
      if (find(trustedCookies(req), place) !== undefined) return sendToApp(res, id);
      answerNotHere(res);
    },
  };
}

/** Always the address's own front page: a link cannot be turned into one that leads elsewhere. The ticket in it goes no further. */
function sendToApp(res: ServerResponse, headers: Readonly<Record<string, string>>): void {
  res.writeHead(303, { location: '/', ...headers, 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' });
  res.end();
}

/** Fetched ahead of a person's click, or by a program that only looks. */
function isSpeculative(headers: IncomingHttpHeaders): boolean {
  const purposes = ['sec-purpose', 'purpose', 'x-purpose', 'x-moz'].map((name) => String(headers[name] ?? ''));
  return purposes.some((purpose) => /prefetch|prerender|preview/i.test(purpose)) || ROBOT.test(headers['user-agent'] ?? '');
}
