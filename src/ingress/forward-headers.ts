import { isOwnCookie, withoutOwnCookies } from './own-cookies.ts';

/** What the gateway itself knows of a request and tells the app. */
export interface Forwarding {
  /** The client's address. */
  readonly peer: string;
  readonly scheme: 'http' | 'https';
  readonly host: string;
  /** The path in front of the app's own, of which it sees nothing. */
  readonly prefix?: string | undefined;
}

/** How the request goes on: with a body of unknown length, of the length sent or none, or asking for a WebSocket. */
export type Framing = 'chunked' | 'as-sent' | 'empty' | 'websocket';

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
/** Naming these in Connection would take away what the message means, so it is not heeded. */
const NEVER_NAMED = new Set(['host', 'content-length']);

/**
 * The headers for the app, flat and in the client's order and case: hop-by-hop ones, the gateway's cookies and what a client
 * claims of who forwarded it left out, the gateway's own claims added.
 */
export function requestHeaders(raw: readonly string[], framing: Framing, { peer, scheme, host, prefix }: Forwarding): string[] {
  const forwarded = withoutHopByHop(raw, (name, value) => {
    if (isClaimOfForwarding(name)) return undefined;
    // The server has already answered "100 Continue" for us.
    if (name === 'expect') return undefined;
    return name === 'cookie' ? withoutOwnCookies(value) : value;
  });
  forwarded.push('X-Forwarded-For', peer, 'X-Forwarded-Proto', scheme, 'X-Forwarded-Host', host);
  if (framing === 'chunked') forwarded.push('Transfer-Encoding', 'chunked');
  if (prefix !== undefined) forwarded.push('X-Forwarded-Prefix', prefix);
  // Without it, Node would announce a chunked body for a POST that has none.
  if (framing === 'empty') forwarded.push('Content-Length', '0');
  if (framing === 'websocket') forwarded.push('Connection', 'Upgrade', 'Upgrade', 'websocket');
  return forwarded;
}

/** The headers for the client, flat and in the app's order and case, without hop-by-hop ones and attempts at the gateway's cookies. */
export function responseHeaders(raw: readonly string[]): string[] {
  return withoutHopByHop(raw, (name, value) => (name === 'set-cookie' && isOwnCookie(value) ? undefined : value));
}

function withoutHopByHop(raw: readonly string[], keep: (name: string, value: string) => string | undefined): string[] {
  const pairs = pairsOf(raw);
  const named = new Set(
    pairs
      .filter(([name]) => name.toLowerCase() === 'connection')
      .flatMap(([, value]) =>
        value
          .toLowerCase()
          .split(',')
          .map((each) => each.trim()),
      ),
  );
  return pairs.flatMap(([name, value]) => {
    const lower = name.toLowerCase();
    if (HOP_BY_HOP.has(lower) || (named.has(lower) && !NEVER_NAMED.has(lower))) return [];
    const kept = keep(lower, value);
    return kept === undefined ? [] : [name, kept];
  });
}

function isClaimOfForwarding(name: string): boolean {
  // CGI-style servers read X_Forwarded_For and X-Forwarded-For as one variable; `Proxy` becomes their HTTP_PROXY.
  const dashed = name.replaceAll('_', '-');
  return dashed === 'forwarded' || dashed === 'x-real-ip' || dashed === 'proxy' || dashed.startsWith('x-forwarded');
}

function pairsOf(raw: readonly string[]): [name: string, value: string][] {
  const pairs: [string, string][] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) pairs.push([raw[at] ?? '', raw[at + 1] ?? '']);
  return pairs;
}
