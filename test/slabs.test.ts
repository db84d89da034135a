import { expect, test } from 'vitest';
import { createSlabs } from '../src/lib/slabs.ts';

test('a slab is used again once it was given back, and not before; so many are kept', () => {
  const slabs = createSlabs({ bytes: 4, kept: 1 });
  const first = slabs.copy(Buffer.from('abc'));
  const second = slabs.copy(Buffer.from('defg'));
  expect([first.bytes.toString(), second.bytes.toString()]).toEqual(['abc', 'defg']);
  first.giveBack();
  const third = slabs.copy(Buffer.from('xy'));
  expect([third.bytes.toString(), first.bytes.toString()]).toEqual(['xy', 'xyc']);
  expect(second.bytes.toString()).toBe('defg');
  second.giveBack();
  third.giveBack();
  const [fourth, fifth] = [slabs.copy(Buffer.from('123')), slabs.copy(Buffer.from('456'))];
  expect([fourth.bytes.buffer === second.bytes.buffer, fifth.bytes.buffer === third.bytes.buffer]).toEqual([true, false]);
});

test.each(['12345', '1'])('what is longer than a slab, or less than half of one, has memory of its own, which is not kept: %s', (text) => {
  const slabs = createSlabs({ bytes: 4, kept: 1 });
  const one = slabs.copy(Buffer.from(text));
  expect([one.bytes.toString(), one.bytes.buffer.byteLength]).toEqual([text, text.length]);
  one.giveBack();
  expect(slabs.copy(Buffer.from('abcd')).bytes.buffer).not.toBe(one.bytes.buffer);
});
