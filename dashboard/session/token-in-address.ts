import { keepToken } from './token-storage.ts';

/** The address that `npm start` prints signs in: the token is kept for this window and leaves address and history. */
export function takeTokenFromAddress(): void {
  if (location.pathname !== '/sign-in') return;
  const token = new URLSearchParams(location.hash.slice(1)).get('token');
  if (token === null) return;
  history.replaceState(null, '', '/');
  keepToken(token, { inBrowser: false });
}
