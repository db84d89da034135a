import { isOwnCookie, withoutOwnCookies } from '../access/own-cookies.ts';

/** What the app learns about the client's request. */
export interface Forwarding {
  /** The client's address. */
  readonly peer: string;
  readonly scheme: 'http' | 'https';
  readonly host: string;
  /** The path prefix that was removed. */
  readonly prefix?: string | undefined;
}

/** RFC 9110 §7.6.1: not forwarded. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);
/** Connection must not remove these, because the message depends on them. */
const NEVER_REMOVED = new Set(['host', 'content-length', 'close']);

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

/**
 * The headers for the client, in the app's order and case, without hop-by-hop headers and cookies in the gateway's
 * name.
 */
export function responseHeaders(raw: readonly string[]): string[] {
  return withoutHopByHop(raw, (name, value) => (name === 'set-cookie' && isOwnCookie(value) ? undefined : value));
}

/** `keep` gets the name in lower case and returns the value to forward, or undefined to drop the header. */
function withoutHopByHop(raw: readonly string[], keep: (name: string, value: string) => string | undefined): string[] {
  const named = namesInConnection(raw);
  const forwarded: string[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const [name = '', value = ''] = raw.slice(at, at + 2);
    const lower = name.toLowerCase();
    if (HOP_BY_HOP.has(lower) || named.has(lower)) continue;
    const kept = keep(lower, value);
    if (kept !== undefined) forwarded.push(name, kept);
  }
  return forwarded;
}

/** The headers that Connection declares hop-by-hop, in lower case. */
function namesInConnection(raw: readonly string[]): ReadonlySet<string> {
  const values = raw.filter((_, at) => at % 2 === 1 && raw[at - 1]?.toLowerCase() === 'connection');
  const names = values.flatMap((value) => value.toLowerCase().split(',')).map((name) => name.trim());
  return new Set(names.filter((name) => !NEVER_REMOVED.has(name)));
}

/** CGI-style servers treat X_Forwarded_For like X-Forwarded-For, and turn `Proxy` into HTTP_PROXY. */
function isForwardingHeader(name: string): boolean {
  const dashed = name.replaceAll('_', '-');
  return dashed === 'forwarded' || dashed === 'x-real-ip' || dashed === 'proxy' || dashed.startsWith('x-forwarded');
}
