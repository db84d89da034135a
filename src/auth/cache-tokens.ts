import { createHash } from 'node:crypto';
import type { VerifyToken } from './jwt.ts';
import type { Viewer } from '../audit/viewer.ts';

const MAX_CACHED = 10_000;

/**
 * Caches verified tokens until they expire: verifying a signature costs ten times as much as a lookup. Stores only a
 * hash of each token.
 */
export function cacheTokens(verify: VerifyToken): VerifyToken {
  const cache = new Map<string, Viewer>();

  return async (token) => {
    const key = createHash('sha256').update(token).digest('base64');
    const known = cache.get(key);
    if (known !== undefined) {
      if (known.expiresAt > Date.now()) return known;
      cache.delete(key);
    }
    const viewer = await verify(token);
    const [oldest] = cache.keys();
    if (cache.size >= MAX_CACHED && oldest !== undefined) cache.delete(oldest);
    cache.set(key, viewer);
    return viewer;
  };
}
