import { setImmediate } from 'node:timers/promises';
import { runInNewContext } from 'node:vm';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { expect, it } from 'vitest';
import { Bag } from '../../../src/lib/bag.ts';

interface Item {
  readonly name: string;
}

it('has what was added and not deleted, in whatever order', () => {
  const bag = new Bag<Item>();
  const items = ['a', 'b', 'c', 'd'].map((name) => ({ name }));
  for (const item of items) bag.add(item);
  const [a, b, , d] = items as [Item, Item, Item, Item];
  bag.delete(a);
  bag.delete(d);
  bag.delete(a);
  expect(bag.size).toBe(2);
  bag.add(a);
  bag.delete(b);
  expect(
    bag
      .takeAll()
      .map(({ name }) => name)
      .toSorted(),
  ).toEqual(['a', 'c']);
  expect(bag.size).toBe(0);
});

it('leaves an item alone that is in another bag', () => {
  const [own, other] = [new Bag<Item>(), new Bag<Item>()];
  const item = { name: 'a' };
  own.add(item);
  other.add({ name: 'b' });
  other.delete(item);
  expect([own.size, other.size]).toEqual([1, 1]);
});

it('lets collections of the young generation free what was deleted', async () => {
  setFlagsFromString('--expose-gc');
  const collectYoung = runInNewContext('() => gc({ type: "minor" })') as () => void;
  const oldBytes = () =>
    getHeapSpaceStatistics().find(({ space_name: name }) => name === 'old_space')?.space_used_size ?? Number.NaN;
  const bag = new Bag<number[]>();
  // As requests come and go: ten are open at a time, and collections come in between.
  const open: number[][] = [];
  const before = oldBytes();
  for (let round = 0; round < 20; round += 1) {
    for (let count = 0; count < 500; count += 1) {
      const item = Array.from({ length: 128 }, () => count);
      bag.add(item);
      open.push(item);
      const oldest = open.length > 10 ? open.shift() : undefined;
      if (oldest !== undefined) bag.delete(oldest);
    }
    await setImmediate();
    collectYoung();
  }
  // The items take 10 MB. Those that are open at a collection may become old, and take a quarter of a megabyte.
  expect(oldBytes() - before).toBeLessThan(2 * 2 ** 20);
});
