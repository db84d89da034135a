/** Times in whole milliseconds, of which there may be millions. */
export class Histogram {
  readonly #counts: number[] = [];
  count = 0;

  add(milliseconds: number): void {
    const at = Math.max(0, Math.round(milliseconds));
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.count += 1;
  }

  /** By nearest rank; 0 if nothing was added. */
  quantile(share: number): number {
    let left = Math.ceil(share * this.count);
    for (const [milliseconds, count = 0] of this.#counts.entries()) {
      left -= count;
      if (left <= 0) return milliseconds;
    }
    return 0;
  }
}
