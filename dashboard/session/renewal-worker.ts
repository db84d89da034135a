import { Problem } from '../api/problem.ts';
import { renewTokens } from './oidc.ts';
import type { IssuedTokens } from './session.ts';
import type { Refresh } from './token-storage.ts';

/**
 * The service worker that exchanges refresh tokens. A page that is reloaded in the middle of an exchange would lose the
 * next refresh token with the answer, and issuers accept each one once. This outlives the page, and gives the page that
 * comes after it the same answer. It controls no page, sees no request, and stores nothing: tokens are in memory.
 */

/** What has come of an exchange, as a page and the worker tell each other. */
export type RenewalAnswer =
  | { readonly tokens: IssuedTokens }
  | { readonly problem: string; readonly isRefusal: boolean };

/** A page that is reloaded asks again within seconds; another window with the same token at about the same time. */
const KEPT_MS = 60_000;

/** By the refresh token that is exchanged. */
const exchanges = new Map<string, Promise<RenewalAnswer>>();

addEventListener('message', (event: MessageEvent<Refresh>) => {
  const answered = exchangeOnce(event.data).then((answer) => event.ports[0]?.postMessage(answer));
  // The browser keeps the worker alive until then.
  (event as MessageEvent & { waitUntil(done: Promise<unknown>): void }).waitUntil(answered);
});

function exchangeOnce(refresh: Refresh): Promise<RenewalAnswer> {
  const { refreshToken = '' } = refresh;
  const known = exchanges.get(refreshToken);
  if (known !== undefined) return known;
  const exchange = renewTokens(refresh).then(
    (tokens): RenewalAnswer => {
      setTimeout(() => exchanges.delete(refreshToken), KEPT_MS);
      return { tokens };
    },
    (error: unknown): RenewalAnswer => {
      exchanges.delete(refreshToken);
      const isRefusal = error instanceof Problem && error.code === 'UNAUTHENTICATED';
      return { problem: error instanceof Error ? error.message : String(error), isRefusal };
    },
  );
  exchanges.set(refreshToken, exchange);
  return exchange;
}
