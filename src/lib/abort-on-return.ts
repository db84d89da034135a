/** Opens the source with a signal that aborts as soon as the reader leaves: an engine's stream ends with its last watcher. */
export function abortOnReturn<T>(open: (signal: AbortSignal) => AsyncIterable<T>): AsyncIterableIterator<T> {
  const leaving = new AbortController();
  const source = open(leaving.signal)[Symbol.asyncIterator]();
  const done = { value: undefined, done: true } as const;
  return {
    async next() {
      try {
        return await source.next();
      } catch (error) {
        if (leaving.signal.aborted) return done;
        throw error;
      }
    },
    return() {
      leaving.abort();
      // Not awaited: a generator's return() waits for its pending next(), which the signal ends in its own time.
      void source.return?.().catch(() => undefined);
      return Promise.resolve(done);
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
