import { expect, it } from 'vitest';
import { isBootOver, setbackSeconds, Setbacks } from '../../src/reconciler/failure/setbacks.ts';

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

it('those in a row are counted, from the first on', () => {
  const { noteAt } = atSeconds();
  expect([noteAt(100), noteAt(102), noteAt(106)]).toEqual([
    { count: 1, seconds: 0 },
    { count: 2, seconds: 2 },
    { count: 3, seconds: 6 },
  ]);
});

it('a pass that comes through, another desire and five minutes without one end the row', () => {
  const { setbacks, noteAt } = atSeconds();
  noteAt(0);
  setbacks.clear('vm');
  expect(noteAt(1)).toEqual({ count: 1, seconds: 0 });
  expect(noteAt(2, 2)).toEqual({ count: 1, seconds: 0 });
  expect(noteAt(303, 2)).toEqual({ count: 1, seconds: 0 });
});

it('VMs are counted apart', () => {
  const setbacks = new Setbacks();
  setbacks.note('one', 1);
  expect(setbacks.note('other', 1).count).toBe(1);
});

it('the wait grows to 8 s, for however many', () => {
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
