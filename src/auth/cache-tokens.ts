import { hash } from 'node:crypto';
import type { VerifyToken } from './jwt.ts';
import type { Viewer } from '../audit/viewer.ts';

const MAX_TOKENS = 100_000;
const MAX_BYTES = 32 * 2 ** 20;
/** About what an entry takes besides the texts of its viewer. */
const ENTRY_BYTES = 250;

interface Entry {
  readonly viewer: Viewer;
  /** Of the keys that verified the token. */
  readonly keyVersion: number;
  readonly bytes: number;
}

/**
 * Caches verified tokens until they expire or the keys change: verifying a signature costs ten times as much as a
 * lookup. Holds the 100,000 tokens that were used last, in at most 32 MiB, and of each only a hash.
 */
export function cacheTokens(verify: VerifyToken): VerifyToken {
  const cache = new Map<string, Entry>();
  let bytes = 0;

  const remove = (key: string): void => {
    bytes -= cache.get(key)?.bytes ?? 0;
    cache.delete(key);
  };
  const add = (key: string, viewer: Viewer, keyVersion: number): void => {
    const size = ENTRY_BYTES + viewer.userId.length + (viewer.plan?.length ?? 0);
    remove(key);
    cache.set(key, { viewer, keyVersion, bytes: size });
    bytes += size;
    for (const oldest of cache.keys()) {
      if (cache.size <= MAX_TOKENS && bytes <= MAX_BYTES) break;
      remove(oldest);
    }
  };
  const cached = async (token: string): Promise<Viewer> => {
    const key = hash('sha256', token, 'base64');
    const known = cache.get(key);
    if (known !== undefined && known.viewer.expiresAt > Date.now() && known.keyVersion === verify.keyVersion()) {
      // The most recently used come last.
      cache.delete(key);
      cache.set(key, known);
      return known.viewer;
    }
    remove(key);
    // Before the verification: keys that change meanwhile may be other ones than those that verified the token.
    const keyVersion = verify.keyVersion();
    const viewer = await verify(token);
    add(key, viewer, keyVersion);
    return viewer;
  };
  return Object.assign(cached, { keyVersion: () => verify.keyVersion() });
}
