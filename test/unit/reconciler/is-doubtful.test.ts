import { expect, it } from 'vitest';
import { isDoubtful } from '../../../src/reconciler/watch/engine/is-doubtful.ts';

const some = (count: number, from = 0) => Array.from({ length: count }, (_, index) => ({ id: `vm-${from + index}` }));

it.each([
  { before: 0, now: 0, is: false },
  { before: 0, now: 5, is: false },
  { before: 1, now: 1, is: false },
  { before: 1, now: 0, is: true },
  { before: 2, now: 1, is: true },
  { before: 3, now: 2, is: false },
  { before: 3, now: 1, is: true },
  { before: 9, now: 6, is: false },
  { before: 9, now: 5, is: true },
  { before: 100, now: 67, is: false },
  { before: 100, now: 66, is: true },
])('$now of $before: doubted is $is, of machines and of volumes', ({ before, now, is }) => {
  expect(isDoubtful({ machines: some(before), volumes: [] }, { machines: some(now), volumes: [] })).toBe(is);
  expect(isDoubtful({ machines: [], volumes: some(before) }, { machines: [], volumes: some(now) })).toBe(is);
});

it('new machines do not make up for missing ones, and volumes not for machines', () => {
  const volumes = some(50);
  expect(isDoubtful({ machines: some(4), volumes }, { machines: some(4, 2), volumes })).toBe(true);
});

it('a VM counts once, with any number of volumes', () => {
  const volumes = [...some(2), ...some(2), ...some(2), { id: 'vm-9' }];
  expect(isDoubtful({ machines: [], volumes }, { machines: [], volumes: some(2) })).toBe(false);
});
