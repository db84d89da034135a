/** The values of the gateway's own cookies by name, in the order sent: a page on a sibling address may have added a second one. */
export type OwnCookies = ReadonlyMap<string, readonly string[]>;

const OWN = /^(?:swiftor_|__host-swiftor)/i;

/**
 * True when `pair` (`name=value`, as it stands in a header) is one of the gateway's cookies. A nameless cookie
 * (`=swiftor_x=1`) counts by what a browser would send for it: its value alone.
 */
export function isOwnCookie(pair: string): boolean {
  return OWN.test(pair.replace(/^[\s=]+/, ''));
}

/** A Cookie header without the gateway's cookies; undefined when nothing is left, byte for byte the same when none was in it. */
export function withoutOwnCookies(header: string): string | undefined {
  const pairs = header.split(';');
  const kept = pairs.filter((pair) => !isOwnCookie(pair));
  if (kept.length === pairs.length) return header;
  const text = kept
    .map((pair) => pair.trim())
    .filter((pair) => pair !== '')
    .join('; ');
  return text === '' ? undefined : text;
}

const NONE: OwnCookies = new Map();

/** The gateway's cookies in a Cookie header. */
export function ownCookiesOf(header: string | undefined): OwnCookies {
  if (header === undefined || !/swiftor/i.test(header)) return NONE;
  const found = new Map<string, string[]>();
  for (const pair of header.split(';').map((each) => each.trim())) {
    const equals = pair.indexOf('=');
    if (equals < 1 || !isOwnCookie(pair)) continue;
    const name = pair.slice(0, equals).trim();
    found.set(name, [...(found.get(name) ?? []), pair.slice(equals + 1).trim()]);
  }
  return found;
}
