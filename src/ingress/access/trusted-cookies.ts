import type { IncomingMessage } from 'node:http';
import { isCrossOrigin } from './cross-origin.ts';
import { ownCookiesOf, type OwnCookies } from './own-cookies.ts';

/** The gateway's cookies that a request may profit from: none when another origin's page made it. */
export function trustedCookies(req: Pick<IncomingMessage, 'method' | 'headers'>): OwnCookies {
  return ownCookiesOf(isCrossOrigin(req) ? undefined : req.headers.cookie);
}
