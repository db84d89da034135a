/** Events for one reader, until the signal aborts. */
export class EventFeed<T> implements AsyncIterable<T> {
  readonly #signal: AbortSignal;
  readonly #onEnd: () => void;
  readonly #waiting: T[] = [];
  #wake = Promise.withResolvers<void>();

  constructor(signal: AbortSignal, onEnd: () => void) {
    this.#signal = signal;
    this.#onEnd = onEnd;
    signal.addEventListener('abort', () => this.#wake.resolve(), { once: true });
  }

  push(event: T): void {
    this.#waiting.push(event);
    this.#wake.resolve();
  }

  async *[Symbol.asyncIterator](): AsyncIterator<T> {
    try {
      while (!this.#signal.aborted) {
        const events = this.#waiting.splice(0);
        yield* events;
        if (this.#waiting.length > 0) continue;
        this.#wake = Promise.withResolvers();
        await this.#wake.promise;
      }
    } finally {
      this.#onEnd();
    }
  }
}
