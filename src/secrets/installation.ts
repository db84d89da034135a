import { randomBytes } from 'node:crypto';
import type { KeyRing } from './key-ring.ts';
import type { Db } from '../db/database.ts';

/** The installation's own, 32 bytes each; no SECRETS_KEY, but sealed with it. */
export interface InstallationKeys {
  /** Stays the same for the installation's life: what is told apart by a fingerprint stays so. */
  readonly fingerprint: Buffer;
  /** Signs what is handed out. */
  readonly signing: Buffer;
}

export interface Installation {
  /** Marks the containers that are ours. */
  readonly id: string;
  readonly keys: InstallationKeys;
  /** Whether secrets are still sealed with SECRETS_KEY_PREVIOUS: `rotate-secrets` was not run, or not to its end. */
  readonly rotationDue: boolean;
}

/** What each key's sealed text is authenticated with. */
export const KEY_CHECK = ['installation', 'key-check'];
export const FINGERPRINT_KEY = ['installation', 'fingerprint-key'];
export const SIGNING_KEY = ['installation', 'signing-key'];

/**
 * The installation's row, completed at its first reading. Rejects when the database is sealed with a key that is not in the
 * ring: starting anyway would make its secrets unreadable, and new ones unreadable for the gateways that have the right key.
 */
export async function readInstallation(db: Db, ring: KeyRing): Promise<Installation> {
  return db.transaction().execute(async (trx) => {
    const { id, key_check, active_key, fingerprint_key, signing_key } = await trx
      .selectFrom('installation')
      .selectAll()
      .forUpdate()
      .executeTakeFirstOrThrow();
    // Until a rotation has ended, this is sealed with the key that it began with.
    const sealedBy = key_check === null ? ring.newest : findKey(ring, key_check);
    const active = active_key ?? sealedBy;
    if (!ring.has(active)) {
      throw new Error(
        'This database is on its way to another SECRETS_KEY; start with that one, and with this one as SECRETS_KEY_PREVIOUS.',
      );
    }
    const openOrMake = (sealed: Buffer | null, place: string[]): Buffer =>
      sealed === null ? randomBytes(32) : ring.open(sealed, place).value;
    const keys = { fingerprint: openOrMake(fingerprint_key, FINGERPRINT_KEY), signing: openOrMake(signing_key, SIGNING_KEY) };
    await trx
      .updateTable('installation')
      .set({
        active_key: active,
        ...(key_check === null && { key_check: ring.seal(active, Buffer.from(id), KEY_CHECK) }),
        ...(fingerprint_key === null && { fingerprint_key: ring.seal(active, keys.fingerprint, FINGERPRINT_KEY) }),
        ...(signing_key === null && { signing_key: ring.seal(active, keys.signing, SIGNING_KEY) }),
      })
      .execute();
    return { id, keys, rotationDue: sealedBy !== ring.newest };
  });
}

function findKey(ring: KeyRing, sealed: Buffer): string {
  try {
    return ring.open(sealed, KEY_CHECK).keyId;
  } catch (error) {
    throw new Error(
      'SECRETS_KEY is not the key that this database was sealed with; start with the one that was. ' +
        'To bring in a new one, set the old one as SECRETS_KEY_PREVIOUS beside it.',
      { cause: error },
    );
  }
}
