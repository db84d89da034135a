import { signal } from '@preact/signals';
import { Problem } from '../api/problem.ts';
import { words } from '../words/words.ts';
import { claimsOf } from './token-claims.ts';
import { clearTokens, keepRefresh, keepToken, readRefresh, readToken, type Refresh } from './token-storage.ts';

/** Why nobody is signed in. */
export type SignedOut = 'new' | 'expired' | 'left';

export type SessionState =
  | { readonly kind: 'in'; readonly userId: string | undefined; readonly expiresAt: number | undefined }
  | { readonly kind: 'out'; readonly reason: SignedOut }
  /** A refresh token is being exchanged. */
  | { readonly kind: 'restoring' };

/** What a sign-in or a renewal with OpenID Connect gives. */
export interface IssuedTokens extends Refresh {
  readonly token: string;
}

/** Renew before the token ends, so that no socket has to. */
const RENEW_AT = 0.8;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * Who is signed in, in this window.
 *
 * INVARIANTS
 * - Tokens are sent in the Authorization header and in connection_init only; no cookie, no address.
 * - A token of OpenID Connect is in memory only.
 */
class Session {
  readonly state = signal<SessionState>({ kind: 'out', reason: 'new' });
  readonly #channel = new BroadcastChannel('swiftor-session');
  #token: string | undefined;
  #renewal: Promise<boolean> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    this.#channel.addEventListener('message', () => this.#clear('left'));
  }

  /** Signs in again after a reload, if a token was kept. */
  restore(): void {
    const token = readToken();
    if (token !== undefined) this.#use(token);
    else if (readRefresh()?.refreshToken !== undefined) {
      this.state.value = { kind: 'restoring' };
      void this.renew(undefined).then((isRenewed) => isRenewed || this.end('expired'));
    }
  }

  /** Signs in with a token that the user has. */
  start(token: string, { inBrowser }: { inBrowser: boolean }): void {
    keepToken(token, { inBrowser });
    this.#use(token);
  }

  /** Signs in with what OpenID Connect issued. */
  startIssued({ token, ...refresh }: IssuedTokens): void {
    keepRefresh(refresh);
    this.#use(token);
  }

  /** The token to send now. Rejects with UNAUTHENTICATED if there is none. */
  async token(): Promise<string> {
    await this.#renewal;
    if (this.#token === undefined) throw new Problem('UNAUTHENTICATED', words.sessionEnded);
    return this.#token;
  }

  /** Gets another token than the one that was refused; false if that cannot be. */
  async renew(refused: string | undefined): Promise<boolean> {
    if (this.#token !== refused && this.#token !== undefined) return true;
    this.#renewal ??= this.#exchange().finally(() => (this.#renewal = undefined));
    return this.#renewal;
  }

  end(reason: SignedOut): void {
    if (reason === 'left') this.#channel.postMessage('left');
    this.#clear(reason);
  }

  async #exchange(): Promise<boolean> {
    const refresh = readRefresh();
    if (refresh?.refreshToken === undefined) return false;
    try {
      const { renewTokens } = await import('./oidc.ts');
      this.startIssued(await renewTokens(refresh));
      return true;
    } catch (error) {
      console.error(error);
      return false;
    }
  }

  #use(token: string): void {
    const { userId, expiresAt, issuedAt = Date.now() } = claimsOf(token);
    const before = this.state.peek();
    const isOther = this.#token !== undefined && userId !== claimsOf(this.#token).userId;
    this.#token = token;
    // What is in memory belongs to the other account.
    if (isOther) return location.reload();
    if (before.kind !== 'in' || before.expiresAt !== expiresAt) this.state.value = { kind: 'in', userId, expiresAt };
    clearTimeout(this.#timer);
    if (expiresAt === undefined || readRefresh()?.refreshToken === undefined) return;
    const delay = Math.max(1_000, issuedAt + RENEW_AT * (expiresAt - issuedAt) - Date.now());
    this.#timer = setTimeout(() => void this.renew(token), Math.min(delay, LONGEST_TIMER_MS));
  }

  /** The token stays in memory to notice that another account signs in next. */
  #clear(reason: SignedOut): void {
    clearTimeout(this.#timer);
    clearTokens();
    if (this.state.peek().kind !== 'out') this.state.value = { kind: 'out', reason };
  }
}

export const session = new Session();
