import { createHash, randomBytes } from 'node:crypto';
import type { SecretBox } from '../../secrets/secret-box.ts';
import type { AccessScope } from './vm-access.ts';

/**
 * The token of a new link, and the hash under which it is stored. The signature in it says that it was a link of this
 * address once, also when nothing is stored of it any more.
 */
export function createLinkToken(secretBox: SecretBox, scope: AccessScope): { token: string; hash: Buffer } {
  const secret = randomBytes(32).toString('base64url');
  return { token: `${secret}.${secretBox.sign(textOf(scope, secret))}`, hash: hashOf(secret) };
}

/** The hash of a token that was made for this address; undefined for any other text. */
export function readLinkToken(secretBox: SecretBox, scope: AccessScope, token: string): Buffer | undefined {
  const [secret = '', signature = '', ...more] = token.split('.');
  const isOurs = more.length === 0 && secretBox.isSignature(signature, textOf(scope, secret));
  return isOurs ? hashOf(secret) : undefined;
}

/** The hash of a random secret. It cannot be guessed, so it needs neither salt nor a slow hash. */
export function hashOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

function textOf({ vmId, name }: AccessScope, secret: string): string {
  return JSON.stringify(['link', vmId, name ?? null, secret]);
}
