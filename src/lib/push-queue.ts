/** Waits for a queue without a promise, which would take 300 bytes for as long as nothing comes. */
export interface Waiter {
  /** `take()` has something now: an item, the error or the end. Must not throw: whoever pushes goes on with the next queue. */
  ready(): void;
}

/**
 * A bounded queue between who pushes and one reader. Its iterator's `return()` takes effect at once even while a
 * `next()` waits (an async generator would keep its resources until the next value), and `onClose` runs exactly once,
 * whoever ends it.
 */
export class PushQueue<T> implements AsyncIterableIterator<T> {
  /** Most queues are empty for hours, and there are thousands: then there is no array either. */
  #items: T[] | undefined;
  readonly #limit: number;
  readonly #onClose: (queue: PushQueue<T>) => void;
  #waiter: Waiter | undefined;
  #state: 'open' | 'ended' | { error: unknown } = 'open';

  /** `onClose` is told which queue it is: thousands of them share one function. */
  constructor({ limit, onClose = ignore }: { limit: number; onClose?: (queue: PushQueue<T>) => void }) {
    this.#limit = limit;
    this.#onClose = onClose;
  }

  /** How many items wait for the reader. */
  get size(): number {
    return this.#items?.length ?? 0;
  }

  /** Whether items can still be pushed. */
  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /** What `next()` would give now; undefined while there is nothing. Throws the error that the queue failed with, once. */
  take(): IteratorResult<T> | undefined {
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

  /** Tells the waiter once, as soon as there is something to take, which there is not now. There is one reader, and so one waiter. */
  whenReady(waiter: Waiter): void {
    this.#waiter = waiter;
  }

  /** False, and nothing queued, when the queue is over or its reader is `limit` items behind. */
  push(item: T): boolean {
    if (this.#state !== 'open' || (this.#waiter === undefined && this.size >= this.#limit)) return false;
    (this.#items ??= []).push(item);
    this.#tell();
    return true;
  }

  /** Queues items whatever the limit says: what the reader asked for before anything was pushed. */
  preload(items: readonly T[]): void {
    if (items.length === 0) return;
    for (const item of items) (this.#items ??= []).push(item);
    this.#tell();
  }

  /** No more items: the reader gets what is queued, then the end. */
  end(): void {
    this.#close('ended');
  }

  /** The reader gets what is queued, then this error, then the end. */
  fail(error: unknown): void {
    this.#close({ error });
  }

  async next(): Promise<IteratorResult<T>> {
    return this.take() ?? new Promise((resolve) => this.whenReady({ ready: () => resolve(this.next()) }));
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

  #close(state: 'ended' | { error: unknown }): void {
    if (this.#state !== 'open') return;
    this.#state = state;
    this.#onClose(this);
    this.#tell();
  }

  #tell(): void {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    waiter?.ready();
  }
}

function ignore(): void {}
