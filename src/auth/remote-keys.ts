import { createRemoteJWKSet, errors, type JWTVerifyGetKey } from 'jose';
import { takeToken } from '../lib/concurrency/token-buckets.ts';

const FETCH_MS = 5_000;
const CHECK_EVERY_MS = 60_000;
/** Fetches for keys that are unknown: enough for new keys, and too few for a flood of invented ones. */
const UNKNOWN_KEYS = { perSecond: 0.1, burst: 6 } as const;

/** The keys at JWT_JWKS_URL. */
export interface RemoteKeys {
  /**
   * For jose. Fetches the keys if there are none yet, and again for a key that is unknown. Those that are known count
   * while the address does not answer.
   */
  readonly find: JWTVerifyGetKey;
  /**
   * Changes when the set of keys does: what was verified before may have been signed with a withdrawn key. Fetches the
   * keys again each minute in which it is called; while that fails, the last set counts.
   */
  version(): number;
}

export function createRemoteKeys(url: string): RemoteKeys {
  // When to fetch again is decided here: jose would take a key for unknown for 30 s, and end known ones with its cache.
  const keys = createRemoteJWKSet(new URL(url), {
    timeoutDuration: FETCH_MS,
    cooldownDuration: Number.POSITIVE_INFINITY,
    cacheMaxAge: Number.POSITIVE_INFINITY,
  });
  let checkedAt = performance.now();
  let version = 0;
  let last: string | undefined;
  let bucketFullAt = 0;
  /** Why the last fetch failed; undefined if it did not. */
  let failure: unknown;

  const note = (): void => {
    const current = JSON.stringify(keys.jwks());
    if (current !== last) version += 1;
    last = current;
  };
  const fetchKeys = async (): Promise<void> => {
    try {
      await keys.reload();
    } catch (error) {
      failure = error;
      throw error;
    }
    failure = undefined;
    checkedAt = performance.now();
    note();
  };
  const fetchForUnknown = async (): Promise<void> => {
    // Who comes during a fetch waits for it.
    if (keys.reloading) return fetchKeys();
    const taken = takeToken(bucketFullAt, performance.now(), UNKNOWN_KEYS);
    if ('fullAt' in taken) {
      bucketFullAt = taken.fullAt;
      return fetchKeys();
    }
    if (failure !== undefined) throw failure;
  };
  const checkNow = (): void => {
    if (performance.now() - checkedAt < CHECK_EVERY_MS) return;
    checkedAt = performance.now();
    fetchKeys().catch(() => undefined);
  };

  return {
    async find(header, token) {
      if (keys.jwks() === undefined) await fetchKeys();
      checkNow();
      try {
        return await keys(header, token);
      } catch (error) {
        if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
        await fetchForUnknown();
        return keys(header, token);
      }
    },
    version() {
      checkNow();
      return version;
    },
  };
}
