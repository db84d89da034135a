import { createHmac } from 'node:crypto';
import { decrypt, encrypt } from './encrypt.ts';

/** SECRETS_KEY and, during a rotation, SECRETS_KEY_PREVIOUS. An id, which reveals nothing, identifies each key. */
export interface KeyRing {
  /** The id of SECRETS_KEY. */
  readonly newest: string;
  /** The ids of all keys, the newest first. */
  readonly ids: readonly string[];
  has(keyId: string): boolean;
  /** Throws if the ring does not have the key. */
  encrypt(keyId: string, value: Buffer, context: readonly string[]): Buffer;
  /** Returns the value and the id of its key. Throws if no key of the ring decrypts it. */
  decrypt(encrypted: Buffer, context: readonly string[]): { value: Buffer; keyId: string };
}

const VERSION = 1;

export function createKeyRing(newest: Buffer, previous?: Buffer): KeyRing {
  const keys = new Map([newest, ...(previous === undefined ? [] : [previous])].map((key) => [idOf(key), key]));
  return {
    newest: idOf(newest),
    ids: [...keys.keys()],
    has: (keyId) => keys.has(keyId),
    encrypt(keyId, value, context) {
      const key = keys.get(keyId);
      if (key === undefined)
        throw new Error('The database is encrypted with a SECRETS_KEY that this gateway does not have.');
      return encrypt(key, VERSION, value, context);
    },
    decrypt(encrypted, context) {
      const failures: unknown[] = [];
      for (const [keyId, key] of keys) {
        try {
          return { value: decrypt(key, VERSION, encrypted, context), keyId };
        } catch (error) {
          failures.push(error);
        }
      }
      throw new AggregateError(failures, 'Neither SECRETS_KEY nor SECRETS_KEY_PREVIOUS decrypts a stored value.');
    },
  };
}

function idOf(key: Buffer): string {
  return createHmac('sha256', key).update('swiftor key id').digest('hex').slice(0, 16);
}
