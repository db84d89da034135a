import { expect, test, vi } from 'vitest';
import { remember } from '../src/lib/remember.ts';

test('a function that remembers computes each text once, forgets the oldest, and keeps no long ones', () => {
  const compute = vi.fn((text: string) => ({ text }));
  const known = remember(compute, 2);
  const [a, b] = [known('a'), known('b')];
  expect([known('a'), known('b'), compute.mock.calls]).toEqual([a, b, [['a'], ['b']]]);
  expect(known('a')).toBe(a);
  known('ü');
  expect([known('b') === b, known('ü').text, known('a') === a, compute.mock.calls.length]).toEqual([true, 'ü', false, 4]);
  const long = 'x'.repeat(1_000);
  expect(known(long)).not.toBe(known(long));
});
