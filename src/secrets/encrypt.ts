import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Encrypts with AES-256-GCM and a 32-byte key. Returns version byte, nonce, tag and ciphertext. `context` names the row
 * of the value and is authenticated: a ciphertext that was copied to another row does not decrypt.
 */
export function encrypt(key: Buffer, version: number, value: Buffer, context: readonly string[]): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES }).setAAD(
    associatedData(context),
  );
  const ciphertext = Buffer.concat([cipher.update(value), cipher.final()]);
  return Buffer.concat([Buffer.of(version), nonce, cipher.getAuthTag(), ciphertext]);
}

/** Decrypts a value. Throws if version, key or context differ, or if any bit has changed. */
export function decrypt(key: Buffer, version: number, encrypted: Buffer, context: readonly string[]): Buffer {
  if (encrypted[0] !== version)
    throw new Error(`An encrypted value has version ${encrypted[0]} where ${version} is expected.`);
  const nonce = encrypted.subarray(1, 1 + NONCE_BYTES);
  const tag = encrypted.subarray(1 + NONCE_BYTES, 1 + NONCE_BYTES + TAG_BYTES);
  const ciphertext = encrypted.subarray(1 + NONCE_BYTES + TAG_BYTES);
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(associatedData(context)).setAuthTag(tag);
  return Buffer.concat([decipher.update(ciphertext), decipher.final()]);
}

function associatedData(context: readonly string[]): Buffer {
  return Buffer.from(JSON.stringify(context));
}
