import { signal } from '@preact/signals';
import { Problem } from '../api/problem.ts';
import { words } from '../words/words.ts';
import { claimsOf } from './token-claims.ts';
import { clearTokens, keepRefresh, keepToken, readRefresh, readToken, type Refresh } from './token-storage.ts';

/** Why nobody is signed in. */
type SignedOut = 'new' | 'expired' | 'left';

type SessionState =
  | { readonly kind: 'in'; readonly userId: string | undefined; readonly expiresAt: number | undefined }
  | { readonly kind: 'out'; readonly reason: SignedOut }
  /** A refresh token is being exchanged. `isLate`: the issuer does not answer, and is asked again. */
  | { readonly kind: 'restoring'; readonly isLate: boolean };

/** What a sign-in or a renewal with OpenID Connect gives. */
export interface IssuedTokens extends Refresh {
  readonly token: string;
}

/** What came of the attempt to get another token. `unreachable`: the issuer did not answer, so try again. */
type Renewal = 'renewed' | 'refused' | 'unreachable';

/** Exchanges a refresh token. Rejects with UNAUTHENTICATED if the issuer refuses, otherwise if it cannot be reached. */
type RenewTokens = (refresh: Refresh) => Promise<IssuedTokens>;

/** Renew before the token ends, so that no socket is closed. */
const RENEW_AT = 0.8;
const RETRY_MS = 3_000;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * Who is signed in, in this window.
 *
 * INVARIANTS
 * - Tokens are sent in the Authorization header and in connection_init only: no cookie, no address.
 * - A token of OpenID Connect is in memory only.
 * - After the end of a session its token is sent no more, and no exchange that is still under way begins another.
 */
export class Session {
  readonly state = signal<SessionState>({ kind: 'out', reason: 'new' });
  readonly #channel = new BroadcastChannel('swiftor-session');
  readonly #renewTokens: RenewTokens;
  #token: string | undefined;
  /** Whose data is in memory. */
  #owner: { readonly userId: string | undefined } | undefined;
  #renewal: Promise<Renewal> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(renewTokens: RenewTokens) {
    this.#renewTokens = renewTokens;
    this.#channel.addEventListener('message', () => this.#clear('left'));
  }

  /** Signs in again after a reload, if a token was kept. */
  restore(): void {
    const token = readToken();
    if (token !== undefined) this.#use(token);
    else if (readRefresh()?.refreshToken !== undefined) {
      this.state.value = { kind: 'restoring', isLate: false };
      void this.#resume();
    }
  }

  /** Signs in with a token that the user has. */
  start(token: string, { inBrowser }: { inBrowser: boolean }): void {
    this.#signIn(token, () => keepToken(token, { inBrowser }));
  }

  /** Signs in with what OpenID Connect issued. */
  startIssued({ token, ...refresh }: IssuedTokens): void {
    this.#signIn(token, () => keepRefresh(refresh));
  }

  /** The token to send now. Rejects with UNAUTHENTICATED if there is none. */
  async token(): Promise<string> {
    const { expiresAt = Infinity } = claimsOf(this.#token ?? '');
    if (this.#token === undefined || expiresAt < Date.now()) await this.#renewal;
    if (this.#token === undefined) throw new Problem('UNAUTHENTICATED', words.sessionEnded);
    return this.#token;
  }

  /** Gets another token than the one that was refused. */
  async renew(refused: string | undefined): Promise<Renewal> {
    if (this.#token !== refused && this.#token !== undefined) return 'renewed';
    if (this.#renewal !== undefined) return this.#renewal;
    const renewal = this.#exchange();
    this.#renewal = renewal;
    void renewal.then(() => {
      if (this.#renewal === renewal) this.#renewal = undefined;
    });
    return renewal;
  }

  end(reason: SignedOut): void {
    if (reason === 'left') this.#channel.postMessage('left');
    this.#clear(reason);
  }

  /** Exchanges the refresh token of an earlier page, as often as the issuer takes to answer. */
  async #resume(): Promise<void> {
    for (;;) {
      const renewal = await this.renew(undefined);
      if (this.state.peek().kind !== 'restoring') return;
      if (renewal === 'refused') return this.end('expired');
      this.state.value = { kind: 'restoring', isLate: true };
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  async #exchange(): Promise<Renewal> {
    const refresh = readRefresh();
    if (refresh?.refreshToken === undefined) return 'refused';
    const isOver = (): boolean => readRefresh()?.refreshToken !== refresh.refreshToken;
    try {
      const { token, ...next } = await this.#renewTokens(refresh);
      if (isOver()) return this.#otherSession();
      keepRefresh(next);
      this.#use(token);
      return 'renewed';
    } catch (error) {
      if (isOver()) return this.#otherSession();
      console.error(error);
      return error instanceof Problem && error.code === 'UNAUTHENTICATED' ? 'refused' : 'unreachable';
    }
  }

  /** What an exchange has come to whose session ended meanwhile. */
  #otherSession(): Renewal {
    return this.#token === undefined ? 'refused' : 'renewed';
  }

  #signIn(token: string, keep: () => void): void {
    const isOther = this.#owner !== undefined && this.#owner.userId !== claimsOf(token).userId;
    if (isOther) sessionStorage.clear();
    keep();
    // What is in memory belongs to the other account.
    if (isOther) location.reload();
    else this.#use(token);
  }

  #use(token: string): void {
    const { userId, expiresAt, issuedAt = Date.now() } = claimsOf(token);
    const before = this.state.peek();
    this.#token = token;
    this.#owner = { userId };
    if (before.kind !== 'in' || before.expiresAt !== expiresAt) this.state.value = { kind: 'in', userId, expiresAt };
    clearTimeout(this.#timer);
    if (expiresAt === undefined || readRefresh()?.refreshToken === undefined) return;
    this.#renewIn(token, Math.max(1_000, issuedAt + RENEW_AT * (expiresAt - issuedAt) - Date.now()));
  }

  #renewIn(token: string, delay: number): void {
    this.#timer = setTimeout(
      () => {
        void this.renew(token).then((renewal) => {
          if (renewal === 'unreachable' && this.#token === token) this.#renewIn(token, RETRY_MS);
        });
      },
      Math.min(delay, LONGEST_TIMER_MS),
    );
  }

  #clear(reason: SignedOut): void {
    clearTimeout(this.#timer);
    this.#token = undefined;
    this.#renewal = undefined;
    clearTokens();
    // Drafts too. After an expiry they stay, for the same user.
    if (reason === 'left') sessionStorage.clear();
    if (this.state.peek().kind !== 'out') this.state.value = { kind: 'out', reason };
  }
}

export const session = new Session(async (refresh) => (await import('./renew-in-worker.ts')).renewInWorker(refresh));
