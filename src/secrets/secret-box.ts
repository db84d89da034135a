import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { decrypt, encrypt } from './encrypt.ts';
import type { InstallationKeys } from './installation.ts';
import type { KeyRing } from './key-ring.ts';

/** A key that encrypts one account's secrets, itself encrypted with SECRETS_KEY. */
export interface DataKey {
  readonly id: string;
  readonly userId: string;
  readonly encrypted: Buffer;
}

/** Identifies a secret. Its value decrypts under this id only. */
export interface SecretId {
  readonly vmId: string;
  readonly key: string;
}

/** The first byte of values that a data key encrypts. Values that SECRETS_KEY encrypts directly have 1. */
export const VERSION = 2;

/** Encrypts the values of VM secrets at rest. */
export class SecretBox {
  readonly #keyRing: KeyRing;
  readonly #keys: InstallationKeys;

  constructor(keyRing: KeyRing, keys: InstallationKeys) {
    this.#keyRing = keyRing;
    this.#keys = keys;
  }

  /** Creates a data key, encrypted with the SECRETS_KEY `keyId`. */
  createDataKey(id: string, userId: string, keyId: string): DataKey {
    return this.#encryptDataKey(id, userId, randomBytes(32), keyId);
  }

  /** Returns the same data key, encrypted with the SECRETS_KEY `keyId`. */
  reencryptDataKey(dataKey: DataKey, keyId: string): DataKey {
    return this.#encryptDataKey(dataKey.id, dataKey.userId, this.#decryptDataKey(dataKey), keyId);
  }

  encrypt(value: string, dataKey: DataKey, id: SecretId): Buffer {
    return encrypt(this.#decryptDataKey(dataKey), VERSION, Buffer.from(value), secretContext(dataKey, id));
  }

  /**
   * Throws if the data key or the id differ, or if any bit has changed. `dataKey` is undefined for values from before
   * there were data keys, which SECRETS_KEY encrypts directly.
   */
  decrypt(encrypted: Buffer, dataKey: DataKey | undefined, id: SecretId): string {
    if (encrypted[0] !== VERSION) return this.#keyRing.decrypt(encrypted, [id.vmId, id.key]).value.toString();
    if (dataKey === undefined) throw new Error('A secret was encrypted with a data key, and its row names none.');
    return decrypt(this.#decryptDataKey(dataKey), VERSION, encrypted, secretContext(dataKey, id)).toString();
  }

  /** A keyed digest that only this installation can compute. It may be stored: its text cannot be guessed from it. */
  fingerprint(text: string): string {
    return digest(this.#keys.fingerprint, text);
  }

  /** A keyed digest for what clients receive. Its key is replaced by `rotate-secrets --renew`. */
  sign(text: string): string {
    return digest(this.#keys.signing, text);
  }

  /** Whether the signature is that of `text`. */
  isSignature(signature: string, text: string): boolean {
    const [given, expected] = [Buffer.from(signature), Buffer.from(this.sign(text))];
    return given.length === expected.length && timingSafeEqual(given, expected);
  }

  #encryptDataKey(id: string, userId: string, value: Buffer, keyId: string): DataKey {
    return { id, userId, encrypted: this.#keyRing.encrypt(keyId, value, dataKeyContext(id, userId)) };
  }

  #decryptDataKey({ id, userId, encrypted }: DataKey): Buffer {
    return this.#keyRing.decrypt(encrypted, dataKeyContext(id, userId)).value;
  }
}

function digest(key: Buffer, text: string): string {
  return createHmac('sha256', key).update(text).digest('base64url');
}

function dataKeyContext(id: string, userId: string): string[] {
  return ['data-key', id, userId];
}

function secretContext({ id, userId }: DataKey, { vmId, key }: SecretId): string[] {
  return ['secret', userId, vmId, key, id, String(VERSION)];
}
