import { randomBytes } from 'node:crypto';
import type { KeyRing } from './key-ring.ts';
import type { Db } from '../db/database.ts';

/** The installation's own keys of 32 bytes, stored encrypted with SECRETS_KEY. */
export interface InstallationKeys {
  /** Never changes, and so neither do fingerprints. */
  readonly fingerprint: Buffer;
  /** Signs what clients receive. */
  readonly signing: Buffer;
}

export interface Installation {
  /** Labels the installation's containers. */
  readonly id: string;
  readonly keys: InstallationKeys;
  /** Whether SECRETS_KEY_PREVIOUS is still in use: `rotate-secrets` has not completed. */
  readonly rotationDue: boolean;
}

/** The contexts that the encrypted keys are authenticated with. */
export const KEY_CHECK = ['installation', 'key-check'];
export const FINGERPRINT_KEY = ['installation', 'fingerprint-key'];
export const SIGNING_KEY = ['installation', 'signing-key'];

/**
 * Reads the installation's row, and completes it the first time. Rejects if the database is encrypted with a key that
 * the ring lacks: the gateway could not read existing secrets, and other gateways could not read its new ones.
 */
export async function readInstallation(db: Db, keyRing: KeyRing): Promise<Installation> {
  return db.transaction().execute(async (trx) => {
    const { id, key_check, active_key, fingerprint_key, signing_key } = await trx
      .selectFrom('installation')
      .select(['id', 'key_check', 'active_key', 'fingerprint_key', 'signing_key'])
      .forUpdate()
      .executeTakeFirstOrThrow();
    // A rotation re-encrypts the key check last, so until then it shows the key that the rotation started from.
    const checkedBy = key_check === null ? keyRing.newest : findKey(keyRing, key_check);
    const active = active_key ?? checkedBy;
    if (!keyRing.has(active)) {
      throw new Error(
        'This database is being rotated to another SECRETS_KEY; start with that one, and with this one as ' +
          'SECRETS_KEY_PREVIOUS.',
      );
    }
    const decryptOrCreate = (encrypted: Buffer | null, context: string[]): Buffer =>
      encrypted === null ? randomBytes(32) : keyRing.decrypt(encrypted, context).value;
    const keys = {
      fingerprint: decryptOrCreate(fingerprint_key, FINGERPRINT_KEY),
      signing: decryptOrCreate(signing_key, SIGNING_KEY),
    };
    await trx
      .updateTable('installation')
      .set({
        active_key: active,
        ...(key_check === null && { key_check: keyRing.encrypt(active, Buffer.from(id), KEY_CHECK) }),
        ...(fingerprint_key === null && {
          fingerprint_key: keyRing.encrypt(active, keys.fingerprint, FINGERPRINT_KEY),
        }),
        ...(signing_key === null && { signing_key: keyRing.encrypt(active, keys.signing, SIGNING_KEY) }),
      })
      .execute();
    return { id, keys, rotationDue: checkedBy !== keyRing.newest };
  });
}

function findKey(keyRing: KeyRing, keyCheck: Buffer): string {
  try {
    return keyRing.decrypt(keyCheck, KEY_CHECK).keyId;
  } catch (error) {
    throw new Error(
      'SECRETS_KEY is not the key that this database is encrypted with; start with that key. ' +
        'To rotate to a new key, set the old one as SECRETS_KEY_PREVIOUS as well.',
      { cause: error },
    );
  }
}
