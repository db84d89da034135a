import { headerTraits, type HeaderTraits } from './header-traits.ts';
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

/** Naming these in Connection would take away what the message means, so it is not heeded. */
const NEVER_NAMED = new Set(['host', 'content-length']);

/**
 * The headers for the app, flat and in the client's order and case: hop-by-hop ones, the gateway's cookies and what a client
 * claims of who forwarded it left out, the gateway's own claims added.
 */
export function requestHeaders(raw: readonly string[], framing: Framing, { peer, scheme, host, prefix }: Forwarding): string[] {
  const forwarded = withoutHopByHop(raw, ({ lower, isClaim }, value) => {
    // The server has already answered "100 Continue" for us.
    if (isClaim || lower === 'expect') return undefined;
    return lower === 'cookie' ? withoutOwnCookies(value) : value;
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
  return withoutHopByHop(raw, ({ lower }, value) => (lower === 'set-cookie' && isOwnCookie(value) ? undefined : value));
}

function withoutHopByHop(raw: readonly string[], keep: (traits: HeaderTraits, value: string) => string | undefined): string[] {
  const named = namesInConnection(raw);
  const forwarded: string[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at] ?? '';
    const traits = headerTraits(name);
    if (traits.isHopByHop || named?.has(traits.lower) === true) continue;
    const kept = keep(traits, raw[at + 1] ?? '');
    if (kept !== undefined) forwarded.push(name, kept);
  }
  return forwarded;
}

/** The headers that Connection names besides the usual ones, in lower case; undefined when there are none, as nearly always. */
function namesInConnection(raw: readonly string[]): ReadonlySet<string> | undefined {
  let named: Set<string> | undefined;
  for (let at = 0; at + 1 < raw.length; at += 2) {
    if (raw[at]?.length !== 'connection'.length || raw[at]?.toLowerCase() !== 'connection') continue;
    for (const each of (raw[at + 1] ?? '').toLowerCase().split(',')) {
      const name = each.trim();
      if (headerTraits(name).isHopByHop || NEVER_NAMED.has(name) || name === 'close') continue;
      named ??= new Set();
      named.add(name);
    }
  }
  return named;
}
