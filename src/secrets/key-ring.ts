import { createHmac } from 'node:crypto';
import { decrypt, encrypt } from './encrypt.ts';

const VERSION = 1;

/** SECRETS_KEY and, during a rotation, SECRETS_KEY_PREVIOUS. An id, which reveals nothing, identifies each key. */
export class KeyRing {
  /** The id of SECRETS_KEY. */
  readonly newest: string;
  readonly #keys: ReadonlyMap<string, Buffer>;

  constructor(newest: Buffer, previous?: Buffer) {
    this.newest = idOf(newest);
    this.#keys = new Map([newest, ...(previous === undefined ? [] : [previous])].map((key) => [idOf(key), key]));
  }

  /** The ids of all keys, the newest first. */
  get ids(): readonly string[] {
    return [...this.#keys.keys()];
  }

  has(keyId: string): boolean {
    return this.#keys.has(keyId);
  }

  /** Throws if the ring does not have the key. */
  encrypt(keyId: string, value: Buffer, context: readonly string[]): Buffer {
    const key = this.#keys.get(keyId);
    if (key === undefined)
      throw new Error('The database is encrypted with a SECRETS_KEY that this gateway does not have.');
    return encrypt(key, VERSION, value, context);
  }

  /** Returns the value and the id of its key. Throws if no key of the ring decrypts it. */
  decrypt(encrypted: Buffer, context: readonly string[]): { value: Buffer; keyId: string } {
    const failures: unknown[] = [];
    for (const [keyId, key] of this.#keys) {
      try {
        return { value: decrypt(key, VERSION, encrypted, context), keyId };
      } catch (error) {
        failures.push(error);
      }
    }
    throw new AggregateError(failures, 'Neither SECRETS_KEY nor SECRETS_KEY_PREVIOUS decrypts a stored value.');
  }
}

function idOf(key: Buffer): string {
  return createHmac('sha256', key).update('swiftor key id').digest('hex').slice(0, 16);
}
