import { createRemoteJWKSet, type JWTVerifyGetKey } from 'jose';

const FETCH_MS = 5_000;
const CHECK_EVERY_MS = 60_000;

/** The keys at JWT_JWKS_URL. */
export interface RemoteKeys {
  /** For jose. Fetches the keys when they are needed and missing or old. */
  readonly find: JWTVerifyGetKey;
  /**
   * Changes when the set of keys does: what was verified before may have been signed with a withdrawn key. Fetches the
   * keys again each minute in which it is called; while that fails, the last set counts.
   */
  version(): number;
}

export function createRemoteKeys(url: string): RemoteKeys {
  const keys = createRemoteJWKSet(new URL(url), { timeoutDuration: FETCH_MS });
  let checkedAt = Date.now();
  let version = 0;
  let last: string | undefined;
  const note = (): void => {
    const current = JSON.stringify(keys.jwks());
    if (current !== last) version += 1;
    last = current;
  };
  return {
    async find(header, token) {
      const key = await keys(header, token);
      note();
      return key;
    },
    version() {
      if (Date.now() - checkedAt >= CHECK_EVERY_MS) {
        checkedAt = Date.now();
        keys.reload().then(note, () => undefined);
      }
      return version;
    },
  };
}
