import { createHmac, randomBytes } from 'node:crypto';
import type { InstallationKeys } from './installation.ts';
import type { KeyRing } from './key-ring.ts';
import { seal, unseal } from './sealed.ts';

/** A key that seals one account's secrets, itself sealed with SECRETS_KEY. */
export interface DataKey {
  readonly id: string;
  readonly userId: string;
  readonly sealed: Buffer;
}

/** The row that a value belongs to: it opens nowhere else. */
export interface SecretPlace {
  readonly vmId: string;
  readonly key: string;
}

/** Seals the values of VM secrets at rest. */
export interface SecretBox {
  /** A new data key, sealed with the SECRETS_KEY of that id. */
  makeDataKey(id: string, userId: string, keyId: string): DataKey;
  /** The same data key, sealed with the SECRETS_KEY of that id. */
  resealDataKey(key: DataKey, keyId: string): DataKey;
  seal(value: string, key: DataKey, place: SecretPlace): Buffer;
  /** Without a data key: of the time before there were any. Throws when a key or the place is another, or a bit has changed. */
  open(sealed: Buffer, key: DataKey | undefined, place: SecretPlace): string;
  /** A digest that only this installation can compute: it can be stored without giving its text away to guessing. */
  fingerprint(text: string): string;
  /** Likewise, of what is handed out: it ends with a renewal of keys. */
  sign(text: string): string;
}

/** Its first byte tells a value sealed with a data key from one sealed with SECRETS_KEY itself (1). */
export const VERSION = 2;

export function createSecretBox(ring: KeyRing, keys: InstallationKeys): SecretBox {
  const sealDataKey = (id: string, userId: string, value: Buffer, keyId: string): DataKey => ({
    id,
    userId,
    sealed: ring.seal(keyId, value, dataKeyPlace(id, userId)),
  });
  const openDataKey = ({ id, userId, sealed }: DataKey): Buffer => ring.open(sealed, dataKeyPlace(id, userId)).value;
  return {
    makeDataKey: (id, userId, keyId) => sealDataKey(id, userId, randomBytes(32), keyId),
    resealDataKey: (key, keyId) => sealDataKey(key.id, key.userId, openDataKey(key), keyId),
    seal: (value, key, place) => seal(openDataKey(key), VERSION, Buffer.from(value), secretPlace(key, place)),
    open(sealed, key, place) {
      if (sealed[0] !== VERSION) return ring.open(sealed, [place.vmId, place.key]).value.toString();
      if (key === undefined) throw new Error('A secret was sealed with a data key, and its row names none.');
      return unseal(openDataKey(key), VERSION, sealed, secretPlace(key, place)).toString();
    },
    fingerprint: (text) => digest(keys.fingerprint, text),
    sign: (text) => digest(keys.signing, text),
  };
}

function digest(key: Buffer, text: string): string {
  return createHmac('sha256', key).update(text).digest('base64url');
}

function dataKeyPlace(id: string, userId: string): string[] {
  return ['data-key', id, userId];
}

function secretPlace({ id, userId }: DataKey, { vmId, key }: SecretPlace): string[] {
  return ['secret', userId, vmId, key, id, String(VERSION)];
}
