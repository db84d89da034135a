import { expect, test } from 'vitest';
import { createSlabs } from '../src/lib/slabs.ts';

test('a slab is used again once it was given back, and not before; so many are kept', () => {
  const slabs = createSlabs({ bytes: 4, kept: 1 });
  const first = slabs.copy(Buffer.from('abc'));
  const second = slabs.copy(Buffer.from('defg'));
  expect([first.bytes.toString(), second.bytes.toString()]).toEqual(['abc', 'defg']);
  first.giveBack();
  const third = slabs.copy(Buffer.from('x'));
  expect([third.bytes.toString(), first.bytes.toString()]).toEqual(['x', 'xbc']);
  expect(second.bytes.toString()).toBe('defg');
  second.giveBack();
  third.giveBack();
  const [fourth, fifth] = [slabs.copy(Buffer.from('1')), slabs.copy(Buffer.from('2'))];
  expect([fourth.bytes.buffer === second.bytes.buffer, fifth.bytes.buffer === third.bytes.buffer]).toEqual([true, false]);
});

test('what is longer than a slab has memory of its own, which is not kept', () => {
  const slabs = createSlabs({ bytes: 4, kept: 1 });
  const long = slabs.copy(Buffer.from('12345'));
  expect(long.bytes.toString()).toBe('12345');
  long.giveBack();
  expect(slabs.copy(Buffer.from('1')).bytes.buffer).not.toBe(long.bytes.buffer);
});
