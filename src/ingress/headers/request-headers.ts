import { withCredentials, type Credentials } from './credentials.ts';
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
  /** Whether the client may only look on. */
  readonly isViewer: boolean;
  /** What signs the client in to the app. */
  readonly credentials: Credentials | undefined;
}

/** Tells the app that the client may only look on. An app that leaves its input out says the same in its answers. */
export const VIEWER_HEADER = ['X-Swiftor-Access', 'view'] as const;

/**
 * The headers for the app, in the client's order and case. Without hop-by-hop headers, the gateway's cookies and what
 * only the gateway may say; it adds its own X-Forwarded-*.
 */
export function requestHeaders(
  raw: readonly string[],
  { peer, scheme, host, prefix, isViewer, credentials }: Forwarding,
): string[] {
  const forwarded = withoutHopByHop(raw, (name, value) => {
    // The server has already answered "100 Continue".
    if (isGatewaysOwn(name) || name === 'expect') return undefined;
    return name === 'cookie' ? withoutOwnCookies(value) : value;
  });
  forwarded.push('X-Forwarded-For', peer, 'X-Forwarded-Proto', scheme, 'X-Forwarded-Host', host);
  if (prefix !== undefined) forwarded.push('X-Forwarded-Prefix', prefix);
  if (isViewer) forwarded.push(...VIEWER_HEADER);
  return credentials === undefined ? forwarded : withCredentials(forwarded, credentials);
}

/** CGI-style servers treat X_Forwarded_For like X-Forwarded-For, and turn `Proxy` into HTTP_PROXY. */
function isGatewaysOwn(name: string): boolean {
  const dashed = name.replaceAll('_', '-');
  if (dashed.startsWith('x-swiftor')) return true;
  return dashed === 'forwarded' || dashed === 'x-real-ip' || dashed === 'proxy' || dashed.startsWith('x-forwarded');
}
