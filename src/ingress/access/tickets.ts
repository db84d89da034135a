import { randomBytes } from 'node:crypto';
import type { SecretBox } from '../../secrets/secret-box.ts';
import { hashOf } from '../../vm/access/link-token.ts';
import type { AccessScope } from '../../vm/access/vm-access.ts';
import type { OwnCookies } from './own-cookies.ts';

/** What a genuine cookie claims. Whether its access is still open is known by `VmAccesses`. */
export interface TicketClaim {
  /** The hash of its secret, under which the access is stored. */
  readonly hash: string;
  readonly isGuest: boolean;
  /** When it expires, in ms since 1970. */
  readonly until: number;
}

interface TicketsOptions {
  readonly secretBox: SecretBox;
  /** Whether browsers reach the gateway over https. */
  readonly secure: boolean;
}

const NONE: readonly TicketClaim[] = [];
const MAX_CACHED = 10_000;
/** How long a browser keeps a ticket that has ended. It opens nothing, but its holder gets a page that says so. */
const REMEMBERED_MS = 7 * 24 * 3_600_000;
const VALUE = /^(\d{1,16})\.([go])\.([\w-]{43})\.([\w-]{43})$/;

/**
 * The cookies in which browsers keep their access.
 *
 * INVARIANTS
 * - A cookie has a random secret, of which only the hash is stored, and a signature over the secret, the address, the
 *   time and the holder. Without a genuine signature nothing is looked up, so made-up cookies cost no statement.
 * - The cookie is host-only (no Domain, and over https the `__Host-` prefix): the app of a sibling VM can neither read
 *   nor set it.
 */
export class Tickets {
  readonly #secretBox: SecretBox;
  readonly #isSecure: boolean;
  readonly #cookieName: string;
  /** Verified cookies by address and value, because a page sends many requests with the same one. */
  readonly #verified = new Map<string, TicketClaim>();

  constructor({ secretBox, secure }: TicketsOptions) {
    this.#secretBox = secretBox;
    this.#isSecure = secure;
    this.#cookieName = secure ? '__Host-swiftor_ticket' : 'swiftor_ticket';
  }

  /** A new secret for a cookie, and the hash to store. */
  static createSecret(): { readonly secret: string; readonly hash: Buffer } {
    const secret = randomBytes(32).toString('base64url');
    return { secret, hash: hashOf(secret) };
  }

  /** The Set-Cookie for an access. */
  cookieOf(scope: AccessScope, secret: string, { isGuest, until }: Omit<TicketClaim, 'hash'>): string {
    const claim = `${until}.${isGuest ? 'g' : 'o'}.${secret}`;
    const value = `${claim}.${this.#secretBox.sign(textOf(scope, claim))}`;
    const expires = new Date(until + REMEMBERED_MS).toUTCString();
    const flags = `Path=/; HttpOnly; SameSite=Lax; Expires=${expires}${this.#isSecure ? '; Secure' : ''}`;
    return `${this.#cookieName}=${value}; ${flags}`;
  }

  /** The genuine cookies for this address, whether or not their time is over. */
  claimsOf(cookies: OwnCookies, scope: AccessScope): readonly TicketClaim[] {
    if (cookies.size === 0) return NONE;
    return (cookies.get(this.#cookieName) ?? []).flatMap((value) => this.#verify(value, scope) ?? []);
  }

  /** Whether one of them has time left. */
  hasClaim(cookies: OwnCookies, scope: AccessScope): boolean {
    return this.claimsOf(cookies, scope).some(({ until }) => until > Date.now());
  }

  #verify(value: string, scope: AccessScope): TicketClaim | undefined {
    const key = `${scope.vmId} ${scope.name ?? ''} ${value}`;
    const known = this.#verified.get(key);
    if (known !== undefined) return known;
    const [, until, holder, secret = '', signature = ''] = VALUE.exec(value) ?? [];
    const claimed = `${until}.${holder}.${secret}`;
    if (until === undefined || !this.#secretBox.isSignature(signature, textOf(scope, claimed))) return undefined;
    const claim = { hash: hashOf(secret).toString('base64url'), isGuest: holder === 'g', until: Number(until) };
    this.#verified.set(key, claim);
    const [oldest] = this.#verified.keys();
    if (this.#verified.size > MAX_CACHED && oldest !== undefined) this.#verified.delete(oldest);
    return claim;
  }
}

function textOf({ vmId, name }: AccessScope, claim: string): string {
  return JSON.stringify(['access', vmId, name ?? null, claim]);
}
