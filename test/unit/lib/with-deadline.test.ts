import { getEventListeners } from 'node:events';
import { expect, it } from 'vitest';
import { DeadlineError, withDeadline } from '../../../src/lib/concurrency/with-deadline.ts';

const never = () => new Promise<never>(() => undefined);

it('work that completes in time returns its result and leaves no listener on the signal', async () => {
  const { signal } = new AbortController();
  expect(await withDeadline(1000, signal, async () => 'done')).toBe('done');
  await expect(withDeadline(1000, signal, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  await expect(
    withDeadline(1000, signal, () => {
      throw new Error('broken at once');
    }),
  ).rejects.toThrow('broken at once');
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

it('work that never settles ends with a DeadlineError, and its signal aborts', async () => {
  const { signal } = new AbortController();
  let told: AbortSignal | undefined;
  const work = withDeadline(20, signal, (inner) => {
    told = inner;
    return never();
  });
  await expect(work).rejects.toEqual(new DeadlineError(20));
  expect(told?.reason).toBeInstanceOf(DeadlineError);
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

it('an abort rejects with its reason, even before the work begins', async () => {
  const abort = new AbortController();
  const reason = new Error('enough');
  let begun = 0;
  const work = withDeadline(1000, abort.signal, () => {
    begun += 1;
    return never();
  });
  abort.abort(reason);
  await expect(work).rejects.toBe(reason);
  await expect(withDeadline(1000, abort.signal, async () => (begun += 1))).rejects.toBe(reason);
  expect(begun).toBe(1);
});
