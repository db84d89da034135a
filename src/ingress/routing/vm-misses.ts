interface Miss {
  /** The number of the statement that found no VM. */
  readonly order: number;
  /** A time of performance.now(). */
  readonly expiresAt: number;
}

/** A bounded number of ids without a VM, each until it expires. The one that was added first is dropped first. */
export class VmMisses {
  readonly #misses = new Map<string, Miss>();
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  add(id: string, miss: Miss): void {
    // Deleted before, so that the ids stay in the order of their expiry.
    this.#misses.delete(id);
    this.#misses.set(id, miss);
    const [oldest] = this.#misses.keys();
    if (this.#misses.size > this.#max && oldest !== undefined) this.#misses.delete(oldest);
  }

  has(id: string): boolean {
    return (this.#misses.get(id)?.expiresAt ?? 0) > performance.now();
  }

  /** The statement that found no such VM last, expired or not; 0 if none is known. */
  orderOf(id: string): number {
    return this.#misses.get(id)?.order ?? 0;
  }

  delete(id: string): void {
    this.#misses.delete(id);
  }

  clear(): void {
    this.#misses.clear();
  }
}
