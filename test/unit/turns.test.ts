import { expect, test } from 'vitest';
import { Turns } from '../../src/lib/turns.ts';

const never = new AbortController().signal;

test('so many work at a time, in the order in which they came, also when some fail', async () => {
  const turns = new Turns(3);
  const begun: number[] = [];
  let working = 0;
  let most = 0;
  const results = await Promise.allSettled(
    Array.from({ length: 20 }, (_, index) =>
      turns.take(never, async () => {
        begun.push(index);
        most = Math.max(most, (working += 1));
        await new Promise((resolve) => setImmediate(resolve));
        working -= 1;
        if (index % 3 === 0) throw new Error('it fails');
        return index;
      }),
    ),
  );
  expect(most).toBe(3);
  expect(begun).toEqual(Array.from({ length: 20 }, (_, index) => index));
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(13);
});

test('who gives up before their turn does nothing, and takes no place', async () => {
  const turns = new Turns(1);
  const { promise, resolve } = Promise.withResolvers<void>();
  const first = turns.take(never, () => promise);
  const abort = new AbortController();
  const reason = new Error('enough');
  const second = turns.take(abort.signal, () => expect.unreachable('it was its turn'));
  const third = turns.take(never, async () => 'third');
  abort.abort(reason);
  await expect(second).rejects.toBe(reason);
  resolve();
  expect(await third).toBe('third');
  await first;
  await expect(turns.take(abort.signal, () => expect.unreachable('it was its turn'))).rejects.toBe(reason);
  expect(await turns.take(never, async () => 'still free')).toBe('still free');
});
