import { publicLocation } from './public-location.ts';
import { isOwnCookie } from '../access/own-cookies.ts';
import { staysWithinVm } from '../access/stays-within-vm.ts';
import { withClosedFrames } from './with-closed-frames.ts';
import { withLengthLast } from './with-length-last.ts';
import { withoutHopByHop } from './without-hop-by-hop.ts';
import { withPrivateCaching } from './with-private-caching.ts';

/** The request that a response belongs to. */
export interface Answered {
  /** Its Host header. */
  readonly host: string;
  readonly vmId: string;
  /** The port that the app listens on. */
  readonly appPort: number;
  /** Whether it needed a ticket. */
  readonly isPrivate: boolean;
  /** The app's cookie that only the gateway keeps. */
  readonly withheldCookie?: string | undefined;
}

/**
 * The headers for the client, in the app's order (but for Content-Length) and case. Without hop-by-hop headers, and
 * without what would reach beyond the VM's addresses: cookies in the gateway's name or for a wider domain, and the
 * order to clear all cookies. Redirects to the app's own port lead to its public address. A private response is kept
 * out of shared caches and of other origins' frames.
 */
export function responseHeaders(raw: readonly string[], answered: Answered): string[] {
  const forwarded = withoutHopByHop(raw, (name, value) => {
    if (name === 'set-cookie') return mayBeSet(value, answered) ? value : undefined;
    if (name === 'location') return publicLocation(value, answered);
    return name === 'clear-site-data' ? withoutCookies(value) : value;
  });
  return withLengthLast(answered.isPrivate ? withClosedFrames(withPrivateCaching(forwarded)) : forwarded);
}

function mayBeSet(cookie: string, answered: Answered): boolean {
  const isWithheld = cookie.split('=')[0]?.trim() === answered.withheldCookie;
  return !isWithheld && !isOwnCookie(cookie) && staysWithinVm(cookie, answered);
}

/** Types that concern the origin only. Cookies are cleared for the whole domain, and `"*"` includes them. */
const OF_THE_ORIGIN = new Set([
  '"cache"',
  '"storage"',
  '"executionContexts"',
  '"clientHints"',
  '"prefetchCache"',
  '"prerenderCache"',
]);

function withoutCookies(clearSiteData: string): string | undefined {
  const types = clearSiteData.split(',').map((type) => type.trim());
  const kept = types.flatMap((type) =>
    type === '"*"' ? ['"cache"', '"storage"'] : OF_THE_ORIGIN.has(type) ? [type] : [],
  );
  return kept.length === 0 ? undefined : kept.join(', ');
}
