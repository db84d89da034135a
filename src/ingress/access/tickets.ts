import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { timingSafeEqual } from 'node:crypto';
import type { Db } from '../../db/database.ts';
import { searchOf } from '../../http/request/search-of.ts';
import { REQUEST_ID_HEADER, requestIdOf } from '../../http/request/request-id.ts';
import type { SecretBox } from '../../secrets/secret-box.ts';
import { redeemOpenLink } from '../../vm/commands/open-links.ts';
import { answerNotHere } from '../pages/answer-not-here.ts';
import type { OwnCookies } from './own-cookies.ts';
import { trustedCookies } from './trusted-cookies.ts';

/** The address that a ticket is valid for: a VM's own (`name` undefined) or that of one of its mappings. */
export interface TicketScope {
  readonly vmId: string;
  readonly name: string | undefined;
}

/** Grants a browser access to one address. */
export interface Ticket {
  /** Identifies the ticket, for limits per ticket. */
  readonly id: string;
  /** The user who created the link. */
  readonly userId: string;
  /** When it expires, in ms since 1970: together with the token that created the link. */
  readonly until: number;
}

interface TicketsOptions {
  readonly db: Db;
  readonly secretBox: SecretBox;
  readonly addressOf: (request: IncomingMessage) => string;
  /** Whether browsers reach the gateway over https. */
  readonly secure: boolean;
}

const MAX_CACHED = 10_000;
/** How long a browser keeps a ticket that has ended. It opens nothing, but its holder gets a page that says so. */
const REMEMBERED_MS = 7 * 24 * 3_600_000;
/** Link previews of chats, mail scanners and crawlers, which must not use up a link. */
const ROBOT = /bot\b|crawl|spider|preview|externalhit|unfurl|scanner|safelinks/i;

/**
 * Tickets as signed cookies.
 *
 * INVARIANTS
 * - The signature covers user, expiry and scope, so a ticket cannot be altered or used at another address. Nothing is
 *   stored on the server.
 * - The cookie is host-only (no Domain, and over https the `__Host-` prefix): the app of a sibling VM can neither read
 *   nor set it.
 * - A link works once. Robots and prefetches do not use it up.
 */
export class Tickets {
  readonly #options: TicketsOptions;
  readonly #cookieName: string;
  /** Verified cookies by scope and value, because a page sends many requests with the same one. */
  readonly #verified = new Map<string, Ticket>();
  /** The last hit per set of cookies, which the requests of a connection share. */
  readonly #lastFound = new WeakMap<OwnCookies, { readonly scope: TicketScope; readonly ticket: Ticket }>();

  constructor(options: TicketsOptions) {
    this.#options = options;
    this.#cookieName = options.secure ? '__Host-swiftor_ticket' : 'swiftor_ticket';
  }

  /** Redeems a link: sets the cookie and redirects to the app. Any other request gets "not here". */
  async redeem(req: IncomingMessage, res: ServerResponse, scope: TicketScope): Promise<void> {
    const { db, addressOf, secure } = this.#options;
    const requestId = { [REQUEST_ID_HEADER]: requestIdOf(req) };
    const token = new URLSearchParams(searchOf(req.url)).get('ticket') ?? '';
    const isVisit = req.method === 'GET' && !isSpeculative(req.headers);
    const link = isVisit ? await redeemOpenLink(db, token, { ...scope, from: addressOf(req) }) : undefined;
    const { userId, until } = link ?? { userId: '', until: 0 };
    if (until > Date.now()) {
      const value = `${until}.${Buffer.from(userId).toString('base64url')}.${this.#sign(scope, userId, until)}`;
      const expires = new Date(until + REMEMBERED_MS).toUTCString();
      const flags = `Path=/; HttpOnly; SameSite=Lax; Expires=${expires}${secure ? '; Secure' : ''}`;
      return redirectToApp(res, { ...requestId, 'set-cookie': `${this.#cookieName}=${value}; ${flags}` });
    }
    // The same browser opened the link again: it already has a ticket.
    if (this.find(trustedCookies(req), scope) !== undefined) return redirectToApp(res, requestId);
    answerNotHere(res);
  }

  /** Finds a ticket among these cookies that is valid for the scope now. */
  find(cookies: OwnCookies, scope: TicketScope): Ticket | undefined {
    const last = this.#lastFound.get(cookies);
    const isSame = last !== undefined && last.scope.vmId === scope.vmId && last.scope.name === scope.name;
    if (isSame && last.ticket.until > Date.now()) return last.ticket;
    const ticket = this.#search(cookies, scope);
    if (ticket !== undefined) this.#lastFound.set(cookies, { scope, ticket });
    return ticket;
  }

  /** Whether there is a ticket for the scope among these cookies that has ended. */
  hasEnded(cookies: OwnCookies, scope: TicketScope): boolean {
    const values = cookies.get(this.#cookieName) ?? [];
    return values.some((value) => (this.#verify(value, scope)?.until ?? Number.POSITIVE_INFINITY) <= Date.now());
  }

  #search(cookies: OwnCookies, scope: TicketScope): Ticket | undefined {
    for (const value of cookies.get(this.#cookieName) ?? []) {
      const key = `${scope.vmId} ${scope.name ?? ''} ${value}`;
      const known = this.#verified.get(key);
      const ticket = known ?? this.#verify(value, scope);
      if (ticket === undefined) continue;
      if (ticket.until <= Date.now()) this.#verified.delete(key);
      else {
        if (known === undefined) this.#cache(key, ticket);
        return ticket;
      }
    }
    return undefined;
  }

  #verify(value: string, scope: TicketScope): Ticket | undefined {
    const [, end = '', holder = '', signature = ''] = /^(\d{1,16})\.([\w-]{1,400})\.([\w-]{1,100})$/.exec(value) ?? [];
    const [until, userId] = [Number(end), Buffer.from(holder, 'base64url').toString()];
    const expected = Buffer.from(this.#sign(scope, userId, until));
    const given = Buffer.from(signature);
    return given.length === expected.length && timingSafeEqual(given, expected)
      ? { id: signature, userId, until }
      : undefined;
  }

  #sign({ vmId, name }: TicketScope, userId: string, until: number): string {
    return this.#options.secretBox.sign(JSON.stringify(['ticket', vmId, name ?? null, userId, until]));
  }

  #cache(key: string, ticket: Ticket): void {
    this.#verified.set(key, ticket);
    const [oldest] = this.#verified.keys();
    if (this.#verified.size > MAX_CACHED && oldest !== undefined) this.#verified.delete(oldest);
  }
}

/** Always to `/`, so a link cannot redirect elsewhere. The link's token is not sent on as a referrer. */
function redirectToApp(res: ServerResponse, headers: Readonly<Record<string, string>>): void {
  res.writeHead(303, { location: '/', ...headers, 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' });
  res.end();
}

/** Whether the request is a prefetch or comes from a robot. */
function isSpeculative(headers: IncomingHttpHeaders): boolean {
  const purposes = ['sec-purpose', 'purpose', 'x-purpose', 'x-moz'].map((name) => String(headers[name] ?? ''));
  return (
    purposes.some((purpose) => /prefetch|prerender|preview/i.test(purpose)) || ROBOT.test(headers['user-agent'] ?? '')
  );
}
