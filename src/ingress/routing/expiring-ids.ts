/** Remembers a bounded number of ids, each until it expires. The oldest is dropped first. */
export class ExpiringIds {
  readonly #expiries = new Map<string, number>();
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  /** `expiresAt` is a time of performance.now(). */
  add(id: string, expiresAt: number): void {
    this.#expiries.delete(id);
    this.#expiries.set(id, expiresAt);
    const [oldest] = this.#expiries.keys();
    if (this.#expiries.size > this.#max && oldest !== undefined) this.#expiries.delete(oldest);
  }

  has(id: string): boolean {
    return (this.#expiries.get(id) ?? 0) > performance.now();
  }

  delete(id: string): void {
    this.#expiries.delete(id);
  }

  clear(): void {
    this.#expiries.clear();
  }
}
