import { setTimeout as sleep } from 'node:timers/promises';

type Truthy<T> = Exclude<T, false | 0 | '' | null | undefined>;

/**
 * Polls until `check` neither throws nor answers something falsy; what it then answered. Rejects after `deadline`
 * milliseconds (10 s) with what the last check failed with as the cause. `every` is the time between checks (25 ms);
 * more for one that costs a request and takes seconds to come true.
 */
export async function eventually<T>(
  check: (signal: AbortSignal) => T | Promise<T>,
  {
    deadline = 10_000,
    every = 25,
    signal = new AbortController().signal,
  }: { deadline?: number; every?: number; signal?: AbortSignal } = {},
): Promise<Truthy<T>> {
  const until = AbortSignal.any([signal, AbortSignal.timeout(deadline)]);
  let last: unknown;
  while (!until.aborted) {
    try {
      const answer = await check(until);
      if (isTruthy(answer)) return answer;
      last = new Error(`The check answered ${String(answer)}.`);
    } catch (error) {
      last = error;
    }
    await sleep(every, undefined, { signal: until }).catch(() => undefined);
  }
  signal.throwIfAborted();
  const said = last instanceof Error ? last.message : String(last);
  throw new Error(`This did not come true within ${deadline} ms: ${check.toString().slice(0, 200)}\nAt last: ${said}`, {
    cause: last,
  });
}

function isTruthy<T>(answer: T): answer is Truthy<T> {
  return Boolean(answer);
}
