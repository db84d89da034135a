import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { createSecretBox } from '../src/vm/secret-box.ts';

const box = createSecretBox(randomBytes(32));
const place = ['vm', 'API_KEY'];
/** As the cipher says it, or the check of the version before it. */
const REFUSED = /unable to authenticate data|authentication tag length|initialization vector|has version/i;

test.each(['', 'hunter2', 'héllo 🖥', '\u0000\n', 'x'.repeat(32 * 1024)])('what was sealed opens (case %#)', (value) => {
  expect(box.open(box.seal(value, place), place)).toBe(value);
});

test('a sealed value shows neither its text nor that it is the same as another', () => {
  const [one, other] = [box.seal('hunter2', place), box.seal('hunter2', place)];
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
])('a value that was copied to %s does not open', (_where, elsewhere) => {
  const sealed = box.seal('hunter2', place);
  expect(() => box.open(sealed, elsewhere)).toThrow(REFUSED);
});

test('a value does not open with another key', () => {
  const sealed = box.seal('hunter2', place);
  expect(() => createSecretBox(randomBytes(32)).open(sealed, place)).toThrow(REFUSED);
});

test('a value does not open when any one of its bits has changed', () => {
  const sealed = box.seal('hunter2', place);
  for (let bit = 0; bit < sealed.length * 8; bit += 1) {
    const changed = Buffer.from(sealed);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    expect(() => box.open(changed, place), `bit ${bit}`).toThrow(REFUSED);
  }
});

test('a value that was cut or added to does not open, however short', () => {
  const sealed = box.seal('hunter2', place);
  for (let length = 0; length < sealed.length; length += 1) {
    expect(() => box.open(sealed.subarray(0, length), place), `${length} bytes`).toThrow(REFUSED);
  }
  expect(() => box.open(Buffer.concat([sealed, Buffer.of(0)]), place)).toThrow(REFUSED);
});

test('a value of a later version is refused by its number', () => {
  const sealed = box.seal('hunter2', place);
  sealed[0] = 2;
  expect(() => box.open(sealed, place)).toThrow('version 2; this gateway reads 1');
});

test('a fingerprint is the same for the same text and key only', () => {
  expect(box.fingerprint('text')).toBe(box.fingerprint('text'));
  expect(box.fingerprint('text')).not.toBe(box.fingerprint('Text'));
  expect(box.fingerprint('text')).not.toBe(createSecretBox(randomBytes(32)).fingerprint('text'));
  expect(box.fingerprint('text')).toMatch(/^[\w-]{43}$/);
});

test('a key of another length seals nothing', () => {
  expect(() => createSecretBox(randomBytes(16)).seal('hunter2', place)).toThrow(/key/i);
});
