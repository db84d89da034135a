import { PushQueue } from './push-queue.ts';

interface Shared<T> {
  readonly readers: Set<PushQueue<T>>;
  readonly closing: AbortController;
}

/** A slower reader misses values, so only the latest value of a stream may matter. */
const QUEUE_LIMIT = 5;

/** One source per key for any number of readers: opened for the first and closed with the last. */
export class SharedStreams<T> {
  readonly #streams = new Map<string, Shared<T>>();

  subscribe(key: string, open: (signal: AbortSignal) => AsyncIterable<T>): AsyncIterableIterator<T> {
    const known = this.#streams.get(key);
    const shared: Shared<T> = known ?? { readers: new Set(), closing: new AbortController() };
    const reader = new PushQueue<T>({
      limit: QUEUE_LIMIT,
      onClose: () => {
        shared.readers.delete(reader);
        if (shared.readers.size > 0) return;
        // The next reader must open a new source: this one is closing.
        this.#forget(key, shared);
        shared.closing.abort();
      },
    });
    shared.readers.add(reader);
    if (known === undefined) {
      this.#streams.set(key, shared);
      void this.#pump(key, shared, open(shared.closing.signal));
    }
    return reader;
  }

  async #pump(key: string, shared: Shared<T>, source: AsyncIterable<T>): Promise<void> {
    try {
      for await (const value of source) for (const reader of shared.readers) reader.push(value);
      for (const reader of shared.readers) reader.end();
    } catch (error) {
      for (const reader of shared.readers) reader.fail(error);
    } finally {
      this.#forget(key, shared);
    }
  }

  #forget(key: string, shared: Shared<T>): void {
    if (this.#streams.get(key) === shared) this.#streams.delete(key);
  }
}
