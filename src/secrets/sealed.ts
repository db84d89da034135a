import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * AES-256-GCM with a key of 32 bytes: version byte, nonce, tag, ciphertext. `place` says where the value belongs (its row):
 * it is authenticated with it, so a value that was copied elsewhere does not open.
 */
export function seal(key: Buffer, version: number, value: Buffer, place: readonly string[]): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES }).setAAD(aad(place));
  const body = Buffer.concat([cipher.update(value), cipher.final()]);
  return Buffer.concat([Buffer.of(version), nonce, cipher.getAuthTag(), body]);
}

/** Throws when the version is another, the key is another, the place is another, or a bit has changed. */
export function unseal(key: Buffer, version: number, sealed: Buffer, place: readonly string[]): Buffer {
  if (sealed[0] !== version) throw new Error(`A sealed value has version ${sealed[0]} where ${version} is expected.`);
  const nonce = sealed.subarray(1, 1 + NONCE_BYTES);
  const tag = sealed.subarray(1 + NONCE_BYTES, 1 + NONCE_BYTES + TAG_BYTES);
  const body = sealed.subarray(1 + NONCE_BYTES + TAG_BYTES);
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES }).setAAD(aad(place)).setAuthTag(tag);
  return Buffer.concat([decipher.update(body), decipher.final()]);
}

function aad(place: readonly string[]): Buffer {
  return Buffer.from(JSON.stringify(place));
}
