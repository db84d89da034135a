/** Opens the source with a signal that aborts at `return()`, even while a `next()` is pending. */
export function abortOnReturn<T>(open: (signal: AbortSignal) => AsyncIterable<T>): AsyncIterableIterator<T> {
  const returned = new AbortController();
  const source = open(returned.signal)[Symbol.asyncIterator]();
  const done = { value: undefined, done: true } as const;
  return {
    async next() {
      try {
        return await source.next();
      } catch (error) {
        if (returned.signal.aborted) return done;
        throw error;
      }
    },
    return() {
      returned.abort();
      // Not awaited: a generator's return() waits for its pending next(), which the signal ends.
      void source.return?.().catch(() => undefined);
      return Promise.resolve(done);
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
