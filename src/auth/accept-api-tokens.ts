import { isApiToken } from './api-tokens/api-token.ts';
import type { ApiTokenVerifier } from './api-tokens/api-token-verifier.ts';
import type { VerifyToken } from './jwt.ts';

/** Verifies API tokens beside those of a sign-in, which `verify` takes. */
export function acceptApiTokens(verify: VerifyToken, apiTokens: Pick<ApiTokenVerifier, 'verify'>): VerifyToken {
  const both = (token: string) => (isApiToken(token) ? apiTokens.verify(token) : verify(token));
  return Object.assign(both, { keyVersion: () => verify.keyVersion() });
}
