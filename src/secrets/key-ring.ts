import { createHmac } from 'node:crypto';
import { seal, unseal } from './sealed.ts';

/** SECRETS_KEY, and SECRETS_KEY_PREVIOUS while one takes the other's place: told apart by an id, which gives nothing away. */
export interface KeyRing {
  /** The id of SECRETS_KEY. */
  readonly newest: string;
  /** Of all its keys, the newest first. */
  readonly ids: readonly string[];
  has(keyId: string): boolean;
  /** Throws when the ring has no such key. */
  seal(keyId: string, value: Buffer, place: readonly string[]): Buffer;
  /** The value and which key it was sealed with; throws when neither opens it. */
  open(sealed: Buffer, place: readonly string[]): { value: Buffer; keyId: string };
}

const VERSION = 1;

export function createKeyRing(newest: Buffer, previous?: Buffer): KeyRing {
  const keys = new Map([newest, ...(previous === undefined ? [] : [previous])].map((key) => [idOf(key), key]));
  return {
    newest: idOf(newest),
    ids: [...keys.keys()],
    has: (keyId) => keys.has(keyId),
    seal(keyId, value, place) {
      const key = keys.get(keyId);
      if (key === undefined) throw new Error('The database is sealed with a SECRETS_KEY that this gateway was not started with.');
      return seal(key, VERSION, value, place);
    },
    open(sealed, place) {
      const failures: unknown[] = [];
      for (const [keyId, key] of keys) {
        try {
          return { value: unseal(key, VERSION, sealed, place), keyId };
        } catch (error) {
          failures.push(error);
        }
      }
      throw new AggregateError(failures, 'A sealed value does not open with SECRETS_KEY, nor with SECRETS_KEY_PREVIOUS.');
    },
  };
}

function idOf(key: Buffer): string {
  return createHmac('sha256', key).update('swiftor key id').digest('hex').slice(0, 16);
}
