import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { KeyRing } from '../../../src/secrets/key-ring.ts';
import { decrypt, encrypt } from '../../../src/secrets/encrypt.ts';
import { SecretBox, type SecretId } from '../../../src/secrets/secret-box.ts';

/** The errors of the cipher, and of the version check before it. */
const REFUSED =
  /unable to authenticate data|authentication tag length|initialization vector|has version|neither SECRETS_KEY nor/i;

describe('an encrypted value', () => {
  const key = randomBytes(32);
  const context = ['vm', 'API_KEY'];
  const encryptText = (value: string) => encrypt(key, 2, Buffer.from(value), context);

  it.each(['', 'hunter2', 'héllo 🖥', '\u0000\n', 'x'.repeat(32 * 1024)])(
    'decrypts to its plain text (case %#)',
    (value) => {
      expect(decrypt(key, 2, encryptText(value), context).toString()).toBe(value);
    },
  );

  it('reveals neither its text nor that two texts are equal', () => {
    const [one, other] = [encryptText('hunter2'), encryptText('hunter2')];
    expect(one.equals(other)).toBe(false);
    expect(one.subarray(1, 13).equals(other.subarray(1, 13))).toBe(false);
    expect(one.includes('hunter2')).toBe(false);
  });

  it.each([
    ['another VM', ['other', 'API_KEY']],
    ['another key', ['vm', 'OTHER']],
    ['the same text cut other', ['vmAPI_', 'KEY']],
    ['fewer parts', ['vm']],
    ['nowhere', []],
  ])('does not decrypt after it was copied to %s', (_where, other) => {
    const encrypted = encryptText('hunter2');
    expect(() => decrypt(key, 2, encrypted, other)).toThrow(REFUSED);
  });

  it('does not decrypt with another key or as another version', () => {
    const encrypted = encryptText('hunter2');
    expect(() => decrypt(randomBytes(32), 2, encrypted, context)).toThrow(REFUSED);
    expect(() => decrypt(key, 1, encrypted, context)).toThrow('version 2 where 1 is expected');
  });

  it('does not decrypt if any one of its bits has changed', () => {
    const encrypted = encryptText('hunter2');
    for (let bit = 0; bit < encrypted.length * 8; bit += 1) {
      const changed = Buffer.from(encrypted);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => decrypt(key, 2, changed, context), `bit ${bit}`).toThrow(REFUSED);
    }
  });

  it('does not decrypt if it was shortened or extended', () => {
    const encrypted = encryptText('hunter2');
    for (let length = 0; length < encrypted.length; length += 1) {
      expect(() => decrypt(key, 2, encrypted.subarray(0, length), context), `${length} bytes`).toThrow(REFUSED);
    }
    expect(() => decrypt(key, 2, Buffer.concat([encrypted, Buffer.of(0)]), context)).toThrow(REFUSED);
  });

  it('needs a key of 32 bytes', () => {
    expect(() => encrypt(randomBytes(16), 2, Buffer.from('hunter2'), context)).toThrow(/key/i);
  });
});

describe('the secret box', () => {
  const id: SecretId = { vmId: 'vm', key: 'API_KEY' };
  const [older, newer] = [randomBytes(32), randomBytes(32)];
  const [oldRing, bothRing, newRing] = [new KeyRing(older), new KeyRing(newer, older), new KeyRing(newer)];
  const keys = { fingerprint: randomBytes(32), signing: randomBytes(32) };
  const [oldBox, bothBox, newBox] = [oldRing, bothRing, newRing].map((keyRing) => new SecretBox(keyRing, keys)) as [
    SecretBox,
    SecretBox,
    SecretBox,
  ];
  const dataKey = oldBox.createDataKey('k1', 'alice', oldRing.newest);

  it('decrypts a value under its own id only', () => {
    const encrypted = oldBox.encrypt('hunter2', dataKey, id);
    expect(oldBox.decrypt(encrypted, dataKey, id)).toBe('hunter2');
    expect(() => oldBox.decrypt(encrypted, dataKey, { ...id, vmId: 'other' })).toThrow(REFUSED);
    expect(() => oldBox.decrypt(encrypted, dataKey, { ...id, key: 'OTHER' })).toThrow(REFUSED);
    expect(() => oldBox.decrypt(encrypted, oldBox.createDataKey('k1', 'alice', oldRing.newest), id)).toThrow(REFUSED);
    expect(() => oldBox.decrypt(encrypted, undefined, id)).toThrow('its row names none');
  });

  it('refuses a data key under another id or account', () => {
    const encrypted = oldBox.encrypt('hunter2', dataKey, id);
    expect(() => oldBox.decrypt(encrypted, { ...dataKey, id: 'k2' }, id)).toThrow(REFUSED);
    expect(() => oldBox.decrypt(encrypted, { ...dataKey, userId: 'bob' }, id)).toThrow(REFUSED);
  });

  it('decrypts with both keys during a rotation, and with the new one alone afterwards', () => {
    const encrypted = oldBox.encrypt('hunter2', dataKey, id);
    expect(bothBox.decrypt(encrypted, dataKey, id)).toBe('hunter2');
    expect(() => newBox.decrypt(encrypted, dataKey, id)).toThrow(REFUSED);
    const moved = bothBox.reencryptDataKey(dataKey, bothRing.newest);
    expect(newBox.decrypt(encrypted, moved, id)).toBe('hunter2');
    expect(() => oldBox.decrypt(encrypted, moved, id)).toThrow(REFUSED);
  });

  it('creates no data key under a SECRETS_KEY that it does not have', () => {
    expect(() => oldBox.createDataKey('k1', 'alice', newRing.newest)).toThrow('that this gateway does not have');
  });

  it('decrypts values that SECRETS_KEY encrypts directly, from before there were data keys', () => {
    const encrypted = encrypt(older, 1, Buffer.from('hunter2'), [id.vmId, id.key]);
    expect(oldBox.decrypt(encrypted, undefined, id)).toBe('hunter2');
    expect(bothBox.decrypt(encrypted, undefined, id)).toBe('hunter2');
    expect(() => oldBox.decrypt(encrypted, undefined, { ...id, vmId: 'other' })).toThrow(REFUSED);
  });

  it('has the same fingerprint for the same text under every SECRETS_KEY', () => {
    expect(oldBox.fingerprint('text')).toBe(newBox.fingerprint('text'));
    expect(oldBox.fingerprint('text')).not.toBe(oldBox.fingerprint('Text'));
    expect(oldBox.fingerprint('text')).not.toBe(
      new SecretBox(oldRing, { ...keys, fingerprint: randomBytes(32) }).fingerprint('text'),
    );
    expect(oldBox.fingerprint('text')).toMatch(/^[\w-]{43}$/);
  });

  it('has signatures that differ from fingerprints and depend on the signing key', () => {
    expect(oldBox.sign('text')).toBe(newBox.sign('text'));
    expect(oldBox.sign('text')).not.toBe(oldBox.fingerprint('text'));
    expect(oldBox.sign('text')).not.toBe(new SecretBox(oldRing, { ...keys, signing: randomBytes(32) }).sign('text'));
  });

  it('identifies keys by ids that do not reveal them', () => {
    expect(oldRing.newest).toBe(new KeyRing(older).newest);
    expect(new Set([oldRing.newest, newRing.newest]).size).toBe(2);
    expect(oldRing.newest).toMatch(/^[0-9a-f]{16}$/);
    expect([bothRing.has(oldRing.newest), bothRing.has(newRing.newest), newRing.has(oldRing.newest)]).toEqual([
      true,
      true,
      false,
    ]);
  });
});
