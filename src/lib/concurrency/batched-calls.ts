interface Waiting<Key, Value> {
  readonly key: Key;
  readonly answer: PromiseWithResolvers<Value>;
}

interface BatchLimits {
  /** How many calls run at a time. */
  readonly atOnce: number;
  /** How many keys a call has at most. */
  readonly keys: number;
}

/**
 * Calls for many keys at once: those that come while a call runs share the next one. Thousands of statements that are
 * alike then take a bounded number of connections to a database, and the time of a few.
 */
export class BatchedCalls<Key, Value> {
  readonly #callAll: (keys: readonly Key[]) => Promise<(key: Key) => Value | Promise<Value>>;
  readonly #limits: BatchLimits;
  readonly #waiting: Waiting<Key, Value>[] = [];
  #calls = 0;

  /** `callAll` resolves to what says the value of each of its keys. A key may be there twice. */
  constructor(callAll: (keys: readonly Key[]) => Promise<(key: Key) => Value | Promise<Value>>, limits: BatchLimits) {
    this.#callAll = callAll;
    this.#limits = limits;
  }

  /** Resolves to the key's value by a call that has not begun yet. */
  call(key: Key): Promise<Value> {
    const answer = Promise.withResolvers<Value>();
    this.#waiting.push({ key, answer });
    this.#begin();
    return answer.promise;
  }

  #begin(): void {
    if (this.#calls >= this.#limits.atOnce || this.#waiting.length === 0) return;
    this.#calls += 1;
    void this.#callBatch(this.#waiting.splice(0, this.#limits.keys)).finally(() => {
      this.#calls -= 1;
      this.#begin();
    });
  }

  async #callBatch(batch: readonly Waiting<Key, Value>[]): Promise<void> {
    try {
      const valueOf = await this.#callAll(batch.map(({ key }) => key));
      for (const { key, answer } of batch) answer.resolve(valueOf(key));
    } catch (error) {
      // Those that wait would only fail one deadline later.
      for (const { answer } of [...batch, ...this.#waiting.splice(0)]) answer.reject(error);
    }
  }
}
