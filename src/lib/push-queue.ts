/**
 * A bounded queue between who pushes and one reader. Its iterator's `return()` takes effect at once even while a
 * `next()` waits (an async generator would keep its resources until the next value), and `onClose` runs exactly once,
 * whoever ends it.
 */
export class PushQueue<T> implements AsyncIterableIterator<T> {
  /** Most queues are empty for hours, and there are thousands. */
  #items: T[] | undefined;
  readonly #limit: number;
  readonly #onClose: (queue: PushQueue<T>) => void;
  #waiting: { resolve: (result: IteratorResult<T>) => void; reject: (error: unknown) => void } | undefined;
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

  /** False, and nothing queued, when the queue is over or its reader is `limit` items behind. */
  push(item: T): boolean {
    if (this.#state !== 'open') return false;
    if (this.#waiting !== undefined) {
      this.#waiting.resolve({ value: item, done: false });
      this.#waiting = undefined;
      return true;
    }
    if (this.size >= this.#limit) return false;
    (this.#items ??= []).push(item);
    return true;
  }

  /** Queues items whatever the limit says: what the reader asked for before anything was pushed. */
  preload(items: readonly T[]): void {
    for (const item of items) {
      if (this.#waiting !== undefined) this.push(item);
      else (this.#items ??= []).push(item);
    }
  }

  /** No more items: the reader gets what is queued, then the end. */
  end(): void {
    if (this.#state !== 'open') return;
    this.#state = 'ended';
    this.#waiting?.resolve({ value: undefined, done: true });
    this.#waiting = undefined;
    this.#onClose(this);
  }

  /** The reader gets what is queued, then this error. */
  fail(error: unknown): void {
    if (this.#state !== 'open') return;
    this.#state = { error };
    this.#waiting?.reject(error);
    // A waiting reader has taken the error: what follows is the plain end.
    if (this.#waiting !== undefined) this.#state = 'ended';
    this.#waiting = undefined;
    this.#onClose(this);
  }

  next(): Promise<IteratorResult<T>> {
    const item = this.#items?.shift();
    if (this.#items?.length === 0) this.#items = undefined;
    if (item !== undefined) return Promise.resolve({ value: item, done: false });
    if (this.#state === 'open') {
      return new Promise((resolve, reject) => {
        this.#waiting = { resolve, reject };
      });
    }
    if (this.#state === 'ended') return Promise.resolve({ value: undefined, done: true });
    const { error } = this.#state;
    this.#state = 'ended';
    return Promise.reject(error);
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
}

function ignore(): void {}
