import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createKeyRing } from '../../src/secrets/key-ring.ts';
import { seal, unseal } from '../../src/secrets/sealed.ts';
import { createSecretBox, type SecretPlace } from '../../src/secrets/secret-box.ts';

/** As the cipher says it, or the check of the version before it. */
const REFUSED = /unable to authenticate data|authentication tag length|initialization vector|has version|does not open/i;

describe('a sealed value', () => {
  const key = randomBytes(32);
  const place = ['vm', 'API_KEY'];
  const sealText = (value: string) => seal(key, 2, Buffer.from(value), place);

  test.each(['', 'hunter2', 'héllo 🖥', '\u0000\n', 'x'.repeat(32 * 1024)])('opens (case %#)', (value) => {
    expect(unseal(key, 2, sealText(value), place).toString()).toBe(value);
  });

  test('shows neither its text nor that it is the same as another', () => {
    const [one, other] = [sealText('hunter2'), sealText('hunter2')];
    expect(one.equals(other)).toBe(false);
    expect(one.subarray(1, 13).equals(other.subarray(1, 13))).toBe(false);
    expect(one.includes('hunter2')).toBe(false);
  });

  test.each([
    ['another VM', ['other', 'API_KEY']],
    ['another key', ['vm', 'OTHER']],
    ['the same text cut elsewhere', ['vmAPI_', 'KEY']],
    ['fewer parts', ['vm']],
    ['nowhere', []],
  ])('that was copied to %s does not open', (_where, elsewhere) => {
    const sealed = sealText('hunter2');
    expect(() => unseal(key, 2, sealed, elsewhere)).toThrow(REFUSED);
  });

  test('does not open with another key, nor as another version', () => {
    const sealed = sealText('hunter2');
    expect(() => unseal(randomBytes(32), 2, sealed, place)).toThrow(REFUSED);
    expect(() => unseal(key, 1, sealed, place)).toThrow('version 2 where 1 is expected');
  });

  test('does not open when any one of its bits has changed', () => {
    const sealed = sealText('hunter2');
    for (let bit = 0; bit < sealed.length * 8; bit += 1) {
      const changed = Buffer.from(sealed);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => unseal(key, 2, changed, place), `bit ${bit}`).toThrow(REFUSED);
    }
  });

  test('that was cut or added to does not open, however short', () => {
    const sealed = sealText('hunter2');
    for (let length = 0; length < sealed.length; length += 1) {
      expect(() => unseal(key, 2, sealed.subarray(0, length), place), `${length} bytes`).toThrow(REFUSED);
    }
    expect(() => unseal(key, 2, Buffer.concat([sealed, Buffer.of(0)]), place)).toThrow(REFUSED);
  });

  test('needs a key of 32 bytes', () => {
    expect(() => seal(randomBytes(16), 2, Buffer.from('hunter2'), place)).toThrow(/key/i);
  });
});

describe('the box', () => {
  const place: SecretPlace = { vmId: 'vm', key: 'API_KEY' };
  const [older, newer] = [randomBytes(32), randomBytes(32)];
  const [oldRing, bothRing, newRing] = [createKeyRing(older), createKeyRing(newer, older), createKeyRing(newer)];
  const keys = { fingerprint: randomBytes(32), signing: randomBytes(32) };
  const [oldBox, bothBox, newBox] = [oldRing, bothRing, newRing].map((ring) => createSecretBox(ring, keys)) as [Box, Box, Box];
  type Box = ReturnType<typeof createSecretBox>;
  const dataKey = oldBox.makeDataKey('k1', 'alice', oldRing.newest);

  test('opens what it sealed, in its place only', () => {
    const sealed = oldBox.seal('hunter2', dataKey, place);
    expect(oldBox.open(sealed, dataKey, place)).toBe('hunter2');
    expect(() => oldBox.open(sealed, dataKey, { ...place, vmId: 'other' })).toThrow(REFUSED);
    expect(() => oldBox.open(sealed, dataKey, { ...place, key: 'OTHER' })).toThrow(REFUSED);
    expect(() => oldBox.open(sealed, oldBox.makeDataKey('k1', 'alice', oldRing.newest), place)).toThrow(REFUSED);
    expect(() => oldBox.open(sealed, undefined, place)).toThrow('its row names none');
  });

  test('opens no data key under another id or account', () => {
    const sealed = oldBox.seal('hunter2', dataKey, place);
    expect(() => oldBox.open(sealed, { ...dataKey, id: 'k2' }, place)).toThrow(REFUSED);
    expect(() => oldBox.open(sealed, { ...dataKey, userId: 'bob' }, place)).toThrow(REFUSED);
  });

  test('opens with both keys during a rotation, and after it with the new one alone', () => {
    const sealed = oldBox.seal('hunter2', dataKey, place);
    expect(bothBox.open(sealed, dataKey, place)).toBe('hunter2');
    expect(() => newBox.open(sealed, dataKey, place)).toThrow(REFUSED);
    const moved = bothBox.resealDataKey(dataKey, bothRing.newest);
    expect(newBox.open(sealed, moved, place)).toBe('hunter2');
    expect(() => oldBox.open(sealed, moved, place)).toThrow(REFUSED);
  });

  test('makes no data key under a SECRETS_KEY that it does not have', () => {
    expect(() => oldBox.makeDataKey('k1', 'alice', newRing.newest)).toThrow('that this gateway was not started with');
  });

  test('opens what was sealed with SECRETS_KEY itself, before there were data keys', () => {
    const sealed = seal(older, 1, Buffer.from('hunter2'), [place.vmId, place.key]);
    expect(oldBox.open(sealed, undefined, place)).toBe('hunter2');
    expect(bothBox.open(sealed, undefined, place)).toBe('hunter2');
    expect(() => oldBox.open(sealed, undefined, { ...place, vmId: 'other' })).toThrow(REFUSED);
  });

  test("'s fingerprint is the same for the same text, whatever SECRETS_KEY it has", () => {
    expect(oldBox.fingerprint('text')).toBe(newBox.fingerprint('text'));
    expect(oldBox.fingerprint('text')).not.toBe(oldBox.fingerprint('Text'));
    expect(oldBox.fingerprint('text')).not.toBe(createSecretBox(oldRing, { ...keys, fingerprint: randomBytes(32) }).fingerprint('text'));
    expect(oldBox.fingerprint('text')).toMatch(/^[\w-]{43}$/);
  });

  test("'s signature is another than its fingerprint, and ends with its key", () => {
    expect(oldBox.sign('text')).toBe(newBox.sign('text'));
    expect(oldBox.sign('text')).not.toBe(oldBox.fingerprint('text'));
    expect(oldBox.sign('text')).not.toBe(createSecretBox(oldRing, { ...keys, signing: randomBytes(32) }).sign('text'));
  });

  test("'s key ids tell keys apart and say nothing of them", () => {
    expect(oldRing.newest).toBe(createKeyRing(older).newest);
    expect(new Set([oldRing.newest, newRing.newest]).size).toBe(2);
    expect(oldRing.newest).toMatch(/^[0-9a-f]{16}$/);
    expect([bothRing.has(oldRing.newest), bothRing.has(newRing.newest), newRing.has(oldRing.newest)]).toEqual([true, true, false]);
  });
});
