/**
 * Where tokens outlive a reload. A pasted token is kept for this window, or for this browser if its user asks for that.
 * Of a sign-in with OpenID Connect only the refresh token is kept, for this window.
 */
const TOKEN = 'swiftor.token';
const REFRESH = 'swiftor.refresh';

export interface Refresh {
  readonly refreshToken: string | undefined;
  readonly idToken: string | undefined;
}

export function readToken(): string | undefined {
  return sessionStorage.getItem(TOKEN) ?? localStorage.getItem(TOKEN) ?? undefined;
}

export function keepToken(token: string, { inBrowser }: { inBrowser: boolean }): void {
  clearTokens();
  (inBrowser ? localStorage : sessionStorage).setItem(TOKEN, token);
}

export function readRefresh(): Refresh | undefined {
  const text = sessionStorage.getItem(REFRESH);
  return text === null ? undefined : (JSON.parse(text) as Refresh);
}

export function keepRefresh(refresh: Refresh): void {
  clearTokens();
  sessionStorage.setItem(REFRESH, JSON.stringify(refresh));
}

export function clearTokens(): void {
  for (const storage of [sessionStorage, localStorage]) {
    storage.removeItem(TOKEN);
    storage.removeItem(REFRESH);
  }
}
