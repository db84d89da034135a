import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';

/** Seals the values of VM secrets at rest. */
export interface SecretBox {
  /** `place` names the row (VM and key): a value copied to another row does not open. */
  seal(value: string, place: readonly string[]): Buffer;
  /** Throws when the key is another, the place is another, or a bit has changed. */
  open(sealed: Buffer, place: readonly string[]): string;
  /** A digest that only holders of the key can compute: it can be stored without giving its text away to guessing. */
  fingerprint(text: string): string;
}

const VERSION = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** AES-256-GCM: version byte, nonce, tag, ciphertext; the place is authenticated with it. `key`: 32 bytes. */
export function createSecretBox(key: Buffer): SecretBox {
  const aad = (place: readonly string[]): Buffer => Buffer.from(JSON.stringify(place));
  return {
    seal(value, place) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES }).setAAD(aad(place));
      const body = Buffer.concat([cipher.update(value, 'utf8'), cipher.final()]);
      return Buffer.concat([Buffer.of(VERSION), nonce, cipher.getAuthTag(), body]);
    },
    open(sealed, place) {
      if (sealed[0] !== VERSION) throw new Error(`A sealed value has version ${sealed[0]}; this gateway reads ${VERSION}.`);
      const nonce = sealed.subarray(1, 1 + NONCE_BYTES);
      const tag = sealed.subarray(1 + NONCE_BYTES, 1 + NONCE_BYTES + TAG_BYTES);
      const body = sealed.subarray(1 + NONCE_BYTES + TAG_BYTES);
      const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES }).setAAD(aad(place)).setAuthTag(tag);
      return Buffer.concat([decipher.update(body), decipher.final()]).toString('utf8');
    },
    fingerprint: (text) => createHmac('sha256', key).update(text).digest('base64url'),
  };
}
