/**
 * A bounded queue from a producer to one reader. `return()` takes effect at once, even while a `next()` is pending (an
 * async generator would hold its resources until the next value). `onClose` runs exactly once, whichever side closes.
 */
export class PushQueue<T> implements AsyncIterableIterator<T> {
  /** Thousands of queues stay empty for hours: an empty one has no array. */
  #items: T[] | undefined;
  readonly #limit: number;
  readonly #onClose: (queue: PushQueue<T>) => void;
  /** Resolves the pending `next()`. */
  #resolve: ((result: Promise<IteratorResult<T>>) => void) | undefined;
  #state: 'open' | 'ended' | { error: unknown } = 'open';

  /** `onClose` receives the queue, which lets thousands of queues share one function. */
  constructor({ limit, onClose = ignore }: { limit: number; onClose?: (queue: PushQueue<T>) => void }) {
    this.#limit = limit;
    this.#onClose = onClose;
  }

  /** The number of queued items. */
  get size(): number {
    return this.#items?.length ?? 0;
  }

  /** Whether the queue still accepts items. */
  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /** Returns false, and queues nothing, if the queue is closed or its reader is `limit` items behind. */
  push(item: T): boolean {
    if (this.#state !== 'open' || (this.#resolve === undefined && this.size >= this.#limit)) return false;
    (this.#items ??= []).push(item);
    this.#wakeReader();
    return true;
  }

  /** Queues items regardless of the limit: a backlog that the reader requested. */
  preload(items: readonly T[]): void {
    if (items.length === 0) return;
    for (const item of items) (this.#items ??= []).push(item);
    this.#wakeReader();
  }

  /** Closes the queue: the reader receives the queued items, then the end. */
  end(): void {
    this.#close('ended');
  }

  /** Closes the queue: the reader receives the queued items, then this error once, then the end. */
  fail(error: unknown): void {
    this.#close({ error });
  }

  /** One call at a time. Thousands of calls are pending for hours: one is a single promise, not an async function. */
  next(): Promise<IteratorResult<T>> {
    try {
      const taken = this.#take();
      return taken === undefined ? new Promise((resolve) => (this.#resolve = resolve)) : Promise.resolve(taken);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  return(): Promise<IteratorResult<T>> {
    this.#items = undefined;
    this.end();
    this.#state = 'ended';
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Undefined while the queue is open and empty. */
  #take(): IteratorResult<T> | undefined {
    const items = this.#items;
    if (items !== undefined) {
      const value = items.shift() as T;
      if (items.length === 0) this.#items = undefined;
      return { value, done: false };
    }
    const state = this.#state;
    if (state === 'open') return undefined;
    this.#state = 'ended';
    if (state !== 'ended') throw state.error;
    return { value: undefined, done: true };
  }

  #close(state: 'ended' | { error: unknown }): void {
    if (this.#state !== 'open') return;
    this.#state = state;
    this.#onClose(this);
    this.#wakeReader();
  }

  #wakeReader(): void {
    const resolve = this.#resolve;
    this.#resolve = undefined;
    resolve?.(this.next());
  }
}

function ignore(): void {}
