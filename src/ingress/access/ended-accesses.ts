const MAX_ENDED = 10_000;

/** Hashes of accesses that have ended, whose cookies browsers may still send. None opens again. Bounded. */
export class EndedAccesses {
  readonly #hashes = new Set<string>();

  has(hash: string): boolean {
    return this.#hashes.has(hash);
  }

  add(hash: string): void {
    this.#hashes.add(hash);
    const [oldest] = this.#hashes;
    if (this.#hashes.size > MAX_ENDED && oldest !== undefined) this.#hashes.delete(oldest);
  }
}
