import { describe, expect, it } from 'vitest';
import { BatchedCalls } from '../../../src/lib/concurrency/batched-calls.ts';

/** A reader whose calls end when the test says so. */
function setUp() {
  const calls: { readonly keys: readonly string[]; readonly end: PromiseWithResolvers<void> }[] = [];
  const batched = new BatchedCalls<string, string>(
    async (keys) => {
      const end = Promise.withResolvers<void>();
      calls.push({ keys, end });
      await end.promise;
      return (key) => key.toUpperCase();
    },
    { atOnce: 2, keys: 3 },
  );
  return { batched, calls };
}

describe('batched calls', () => {
  it('run a bounded number of calls, and read what waits meanwhile in one', async () => {
    const { batched, calls } = setUp();
    const values = Promise.all(['a', 'b', 'c', 'd', 'e', 'f'].map((key) => batched.call(key)));
    expect(calls.map(({ keys }) => keys)).toEqual([['a'], ['b']]);
    calls[0]?.end.resolve();
    await expect.poll(() => calls.length).toBe(3);
    expect(calls[2]?.keys).toEqual(['c', 'd', 'e']);
    calls[1]?.end.resolve();
    await expect.poll(() => calls.length).toBe(4);
    for (const { end } of calls) end.resolve();
    expect(await values).toEqual(['A', 'B', 'C', 'D', 'E', 'F']);
  });

  it('that fail fail what waits, too, and later ones are read anew', async () => {
    const { batched, calls } = setUp();
    const failing = Promise.allSettled(['a', 'b', 'c'].map((key) => batched.call(key)));
    calls[0]?.end.reject(new Error('lost'));
    calls[1]?.end.resolve();
    expect((await failing).map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected']);
    const later = batched.call('d');
    calls.at(-1)?.end.resolve();
    expect(await later).toBe('D');
  });
});
