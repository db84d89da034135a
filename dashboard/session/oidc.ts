import type { Refresh } from './token-storage.ts';
import type { IssuedTokens } from './session.ts';

export async function renewTokens(_refresh: Refresh): Promise<IssuedTokens> {
  throw new Error('There is no issuer.');
}

export async function endSessionUrl(_refresh: Refresh): Promise<string | undefined> {
  return undefined;
}

export async function finishSignIn(_url: URL): Promise<{ tokens: IssuedTokens; returnTo: string }> {
  throw new Error('There is no issuer.');
}

export async function beginSignIn(_client: unknown): Promise<string> {
  throw new Error('There is no issuer.');
}
