import type { IncomingMessage } from 'node:http';
import { isCrossOrigin } from './cross-origin.ts';
import { ownCookiesOf, type OwnCookies } from './own-cookies.ts';

/** The gateway's cookies of a request; none if a page of another origin sent it. */
export function trustedCookies(req: Pick<IncomingMessage, 'method' | 'headers'>): OwnCookies {
  return ownCookiesOf(isCrossOrigin(req) ? undefined : req.headers.cookie);
}
