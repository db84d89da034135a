import { expect, it } from 'vitest';
import { isBootOver, setbackSeconds, Setbacks } from '../../../../src/reconciler/failure/setbacks.ts';

/** Setbacks on a clock in seconds that the test moves. */
function atSeconds() {
  let seconds = 0;
  const setbacks = new Setbacks(() => seconds * 1_000);
  return {
    setbacks,
    noteAt: (at: number, generation = 1) => {
      seconds = at;
      return setbacks.note('vm', generation);
    },
  };
}

it('setbacks in a row are counted and timed from the first', () => {
  const { noteAt } = atSeconds();
  expect([noteAt(100), noteAt(102), noteAt(106)]).toEqual([
    { count: 1, seconds: 0 },
    { count: 2, seconds: 2 },
    { count: 3, seconds: 6 },
  ]);
});

it('a successful iteration, a new desire and five minutes without a setback end the row', () => {
  const { setbacks, noteAt } = atSeconds();
  noteAt(0);
  setbacks.clear('vm');
  expect(noteAt(1)).toEqual({ count: 1, seconds: 0 });
  expect(noteAt(2, 2)).toEqual({ count: 1, seconds: 0 });
  expect(noteAt(303, 2)).toEqual({ count: 1, seconds: 0 });
});

it('the setbacks of each VM are counted on their own', () => {
  const setbacks = new Setbacks();
  setbacks.note('one', 1);
  expect(setbacks.note('other', 1).count).toBe(1);
});

it('the pause grows to 8 s, after any number of setbacks', () => {
  expect([1, 2, 3, 4, 1_000].map((count) => setbackSeconds({ count, seconds: 0 }))).toEqual([2, 4, 8, 8, 8]);
});

it.each([
  [5, 120, true],
  [100, 600, true],
  [4, 600, false],
  [5, 119, false],
])('after %i in %i s a boot is over: %s', (count, seconds, over) => {
  expect(isBootOver({ count, seconds })).toBe(over);
});
