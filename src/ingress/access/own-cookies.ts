/**
 * The gateway's own cookies by name, in the order sent. A page of a sibling address may have added a second one of a
 * name.
 */
export type OwnCookies = ReadonlyMap<string, readonly string[]>;

const OWN = /^(?:swiftor_|__host-swiftor)/i;

/**
 * Whether `pair` (`name=value`, from a header) is one of the gateway's cookies. Browsers send a nameless cookie
 * (`=swiftor_x=1`) as its value only, so leading `=` are ignored.
 */
export function isOwnCookie(pair: string): boolean {
  return OWN.test(pair.replace(/^[\s=]+/, ''));
}

/** A Cookie header without the gateway's cookies: unchanged if it has none, undefined if nothing is left. */
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
