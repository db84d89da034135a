import { session } from './session.ts';
import { readRefresh } from './token-storage.ts';

/** Ends the session in all windows, and at the issuer if it offers that. */
export async function signOut(): Promise<void> {
  const refresh = readRefresh();
  session.end('left');
  if (refresh !== undefined) {
    const { endSessionUrl } = await import('./oidc.ts');
    const url = await endSessionUrl(refresh).catch(() => undefined);
    if (url !== undefined) return location.assign(url);
  }
  // Nothing of the account stays in memory.
  location.assign('/sign-in');
}
