interface Waiting<Key, Value> {
  readonly key: Key;
  readonly reading: PromiseWithResolvers<Value>;
}

interface BatchLimits {
  /** How many calls run at a time. */
  readonly atOnce: number;
  /** How many keys a call has at most. */
  readonly keys: number;
}

/**
 * Reads values by their keys, those that are asked for meanwhile in one call. What anybody may ask for, with made-up
 * keys, then takes a bounded number of connections to a database.
 */
export class BatchedReads<Key, Value> {
  readonly #readAll: (keys: readonly Key[]) => Promise<(key: Key) => Value>;
  readonly #limits: BatchLimits;
  readonly #waiting: Waiting<Key, Value>[] = [];
  #calls = 0;

  /** `readAll` resolves to what says the value of each of its keys. A key may be there twice. */
  constructor(readAll: (keys: readonly Key[]) => Promise<(key: Key) => Value>, limits: BatchLimits) {
    this.#readAll = readAll;
    this.#limits = limits;
  }

  /** Reads the value in a call that has not begun yet. */
  read(key: Key): Promise<Value> {
    const reading = Promise.withResolvers<Value>();
    this.#waiting.push({ key, reading });
    this.#call();
    return reading.promise;
  }

  #call(): void {
    if (this.#calls >= this.#limits.atOnce || this.#waiting.length === 0) return;
    this.#calls += 1;
    void this.#readBatch(this.#waiting.splice(0, this.#limits.keys)).finally(() => {
      this.#calls -= 1;
      this.#call();
    });
  }

  async #readBatch(batch: readonly Waiting<Key, Value>[]): Promise<void> {
    try {
      const valueOf = await this.#readAll(batch.map(({ key }) => key));
      for (const { key, reading } of batch) reading.resolve(valueOf(key));
    } catch (error) {
      // Those that wait would only fail one deadline later.
      for (const { reading } of [...batch, ...this.#waiting.splice(0)]) reading.reject(error);
    }
  }
}
