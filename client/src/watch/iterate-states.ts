/**
 * Reports a change, with the way to the state as it is when the loop asks for it. Resolves when nothing will change.
 */
export type Run<T> = (changed: (take: () => T) => void, signal: AbortSignal) => Promise<unknown>;

/**
 * Iterates over the states of something that changes. A loop that takes long for one state gets the latest next. Ends
 * quietly when the signal aborts; throws what `run` rejects with.
 */
export async function* iterateStates<T>(run: Run<T>, signal?: AbortSignal): AsyncGenerator<T, void> {
  const leaving = new AbortController();
  let take: (() => T) | undefined;
  let isEnded = false;
  let wake = (): void => undefined;
  const changed = (how: () => T): void => {
    take = how;
    wake();
  };
  const running = run(changed, signal === undefined ? leaving.signal : AbortSignal.any([leaving.signal, signal]));
  const ended = running.finally(() => {
    isEnded = true;
    wake();
  });
  // Awaited below, unless the loop is left before.
  ended.catch(() => undefined);
  try {
    for (;;) {
      if (signal?.aborted) return;
      if (take !== undefined) {
        const taken = take();
        take = undefined;
        yield taken;
      } else if (isEnded) {
        await ended;
        return;
      } else {
        await new Promise<void>((resolve) => (wake = resolve));
      }
    }
  } finally {
    leaving.abort();
  }
}
