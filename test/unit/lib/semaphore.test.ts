import { expect, it } from 'vitest';
import { Semaphore } from '../../../src/lib/concurrency/semaphore.ts';

it('a semaphore runs up to its limit of tasks at a time, in the order of their arrival, even if some fail', async () => {
  const semaphore = new Semaphore(3);
  const begun: number[] = [];
  let working = 0;
  let most = 0;
  const results = await Promise.allSettled(
    Array.from({ length: 20 }, (_, index) =>
      semaphore.run(async () => {
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

it('a task whose signal aborts while it waits never runs and takes no slot', async () => {
  const semaphore = new Semaphore(1);
  const { promise, resolve } = Promise.withResolvers<void>();
  const first = semaphore.run(() => promise);
  const abort = new AbortController();
  const reason = new Error('enough');
  const second = semaphore.run(() => expect.unreachable('the task ran'), abort.signal);
  const third = semaphore.run(async () => 'third');
  abort.abort(reason);
  await expect(second).rejects.toBe(reason);
  resolve();
  expect(await third).toBe('third');
  await first;
  await expect(semaphore.run(() => expect.unreachable('the task ran'), abort.signal)).rejects.toBe(reason);
  expect(await semaphore.run(async () => 'still free')).toBe('still free');
});
