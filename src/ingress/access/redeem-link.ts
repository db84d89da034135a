import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { Db } from '../../db/database.ts';
import { searchOf } from '../../http/request/search-of.ts';
import { REQUEST_ID_HEADER, requestIdOf } from '../../http/request/request-id.ts';
import type { SecretBox } from '../../secrets/secret-box.ts';
import { redeemLink as redeemStoredLink } from '../../vm/access/access-store.ts';
import { readLinkToken } from '../../vm/access/link-token.ts';
import type { AccessScope } from '../../vm/access/vm-access.ts';
import { answerLinkUsed } from '../pages/answer-link-used.ts';
import { answerNotHere } from '../pages/answer-not-here.ts';
import { Tickets } from './tickets.ts';
import { trustedCookies } from './trusted-cookies.ts';

export interface RedeemOptions {
  readonly db: Db;
  readonly secretBox: SecretBox;
  readonly tickets: Tickets;
  readonly addressOf: (request: IncomingMessage) => string;
  /** Reads a VM again whose accesses have changed. */
  readonly onRedeemed: (vmId: string) => void;
}

/** What a link may open instead of the app, by its parameter `to`. */
const PLACES: ReadonlyMap<string | null, string> = new Map([
  ['terminal', '/.swiftor/terminal'],
  ['files', '/.swiftor/files'],
]);

/** Link previews of chats, mail scanners and crawlers, which must not use up a link. */
const ROBOT = /bot\b|crawl|spider|preview|externalhit|unfurl|scanner|safelinks/i;

/**
 * Redeems a link: sets the cookie and redirects to the app, or to the page of the gateway that `to` names. A link works
 * once, and robots and prefetches do not use it up. One that was used, or whose time is over, says so; anything else
 * gets "not here".
 */
export async function redeemLink(
  req: IncomingMessage,
  res: ServerResponse,
  scope: AccessScope,
  options: RedeemOptions,
): Promise<void> {
  const { db, secretBox, tickets, addressOf, onRedeemed } = options;
  const requestId = { [REQUEST_ID_HEADER]: requestIdOf(req) };
  const search = new URLSearchParams(searchOf(req.url));
  const token = search.get('ticket') ?? '';
  const location = PLACES.get(search.get('to')) ?? '/';
  const linkHash = readLinkToken(secretBox, scope, token);
  if (linkHash === undefined || req.method !== 'GET' || isSpeculative(req.headers)) return answerNotHere(res);
  const cookies = trustedCookies(req);
  const replaced = tickets.claimsOf(cookies, scope).map(({ hash }) => Buffer.from(hash, 'base64url'));
  const { secret, hash: tokenHash } = Tickets.createSecret();
  const opened = await redeemStoredLink(db, { linkHash, scope, tokenHash, replaced, from: addressOf(req) });
  if (opened !== undefined) {
    onRedeemed(scope.vmId);
    const claim = { isGuest: opened.isGuest, until: opened.until.getTime() };
    return redirectTo(res, location, { ...requestId, 'set-cookie': tickets.cookieOf(scope, secret, claim) });
  }
  // The same browser opened the link again: it already has a ticket.
  if (tickets.hasClaim(cookies, scope)) return redirectTo(res, location, requestId);
  answerLinkUsed(res);
}

/** Only to places of this host, so a link cannot redirect elsewhere. Its token is not sent on as a referrer. */
function redirectTo(res: ServerResponse, location: string, headers: Readonly<Record<string, string>>): void {
  res.writeHead(303, { location, ...headers, 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' });
  res.end();
}

/** Whether the request is a prefetch or comes from a robot. */
function isSpeculative(headers: IncomingHttpHeaders): boolean {
  const purposes = ['sec-purpose', 'purpose', 'x-purpose', 'x-moz'].map((name) => String(headers[name] ?? ''));
  return (
    purposes.some((purpose) => /prefetch|prerender|preview/i.test(purpose)) || ROBOT.test(headers['user-agent'] ?? '')
  );
}
