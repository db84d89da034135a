import { createHash } from 'node:crypto';
import type { VerifyToken } from './jwt.ts';
import type { Viewer } from '../audit/viewer.ts';

const REMEMBERED = 10_000;

/**
 * The same for tokens that come with request after request: one that was verified is remembered until it ends, since its signature
 * costs ten times a look-up. Of a token only its hash is kept.
 */
export function rememberTokens(verify: VerifyToken): VerifyToken {
  const remembered = new Map<string, Viewer>();

  return async (token) => {
    const key = createHash('sha256').update(token).digest('base64');
    const known = remembered.get(key);
    if (known !== undefined) {
      if (known.expiresAt > Date.now()) return known;
      remembered.delete(key);
    }
    const viewer = await verify(token);
    const [oldest] = remembered.keys();
    if (remembered.size >= REMEMBERED && oldest !== undefined) remembered.delete(oldest);
    remembered.set(key, viewer);
    return viewer;
  };
}
