import { createHash, randomBytes } from 'node:crypto';
import type { TokenScope } from '../../audit/viewer.ts';

/** What tells an API token from one of a sign-in, and lets scanners for leaked secrets find it. */
const PREFIX = 'swt_';
const SECRET_BYTES = 32;

/** An API token as it is listed. The token itself is known only to who created it. */
export interface ApiToken {
  readonly id: string;
  readonly name: string;
  readonly scope: TokenScope;
  /** Null: the user's own. */
  readonly serviceAccount: string | null;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  readonly lastUsedAt: Date | null;
}

export function isApiToken(token: string): boolean {
  return token.startsWith(PREFIX);
}

/** A new token, and the hash under which it is stored. */
export function generateApiToken(): { readonly token: string; readonly hash: Buffer } {
  const token = PREFIX + randomBytes(SECRET_BYTES).toString('base64url');
  return { token, hash: hashApiToken(token) };
}

/** The token is random and long, so that it needs neither salt nor a slow hash. */
export function hashApiToken(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
