import { withoutOwnCookies } from '../access/own-cookies.ts';
import { withoutHopByHop } from './without-hop-by-hop.ts';

/** What the app learns about the client's request. */
export interface Forwarding {
  /** The client's address. */
  readonly peer: string;
  readonly scheme: 'http' | 'https';
  readonly host: string;
  /** The path prefix that was removed. */
  readonly prefix?: string | undefined;
}

/**
 * The headers for the app, in the client's order and case. Without hop-by-hop headers, the gateway's cookies and the
 * client's forwarding headers; the gateway adds its own X-Forwarded-*.
 */
export function requestHeaders(raw: readonly string[], { peer, scheme, host, prefix }: Forwarding): string[] {
  const forwarded = withoutHopByHop(raw, (name, value) => {
    // The server has already answered "100 Continue".
    if (isForwardingHeader(name) || name === 'expect') return undefined;
    return name === 'cookie' ? withoutOwnCookies(value) : value;
  });
  forwarded.push('X-Forwarded-For', peer, 'X-Forwarded-Proto', scheme, 'X-Forwarded-Host', host);
  if (prefix !== undefined) forwarded.push('X-Forwarded-Prefix', prefix);
  return forwarded;
}

/** CGI-style servers treat X_Forwarded_For like X-Forwarded-For, and turn `Proxy` into HTTP_PROXY. */
function isForwardingHeader(name: string): boolean {
  const dashed = name.replaceAll('_', '-');
  return dashed === 'forwarded' || dashed === 'x-real-ip' || dashed === 'proxy' || dashed.startsWith('x-forwarded');
}
