/** A stream that is opened with its first `next`, once its source has been found. Without a source it is empty. */
export function openLater<T>(
  open: (signal: AbortSignal) => Promise<AsyncIterable<T> | undefined>,
  signal: AbortSignal,
): AsyncIterableIterator<T> {
  const ending = new AbortController();
  const over = AbortSignal.any([signal, ending.signal]);
  let source: Promise<AsyncIterator<T> | undefined> | undefined;
  const end: IteratorResult<T> = { done: true, value: undefined };
  return {
    async next() {
      if (ending.signal.aborted) return end;
      source ??= open(over).then((found) => found?.[Symbol.asyncIterator]());
      try {
        return (await (await source)?.next()) ?? end;
      } catch (error) {
        if (ending.signal.aborted) return end;
        throw error;
      }
    },
    return() {
      ending.abort();
      return Promise.resolve(end);
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
