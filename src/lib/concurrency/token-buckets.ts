/** Bounds the memory under a flood of addresses. */
const MAX_KEYS = 50_000;

/** The refill rate of a bucket, and how many tokens it holds. */
export interface Refill {
  readonly perSecond: number;
  readonly burst: number;
}

/**
 * Takes a token by the generic cell rate algorithm, whose only state is the time at which the bucket is full again (0
 * for an unused bucket). Returns the new state, or the milliseconds until the bucket has a token.
 */
export function takeToken(
  fullAt: number,
  now: number,
  { perSecond, burst }: Refill,
): { fullAt: number } | { missing: number } {
  const msPerToken = 1_000 / perSecond;
  const next = Math.max(fullAt, now) + msPerToken;
  const missing = next - now - burst * msPerToken;
  // Ignore rounding errors of the clock.
  return missing > 1e-6 ? { missing } : { fullAt: next };
}

/**
 * A token bucket per key, refilled at a steady rate: it limits the average rate and the size of bursts. Needs no
 * timers; drops full buckets when it needs room.
 */
export class TokenBuckets {
  readonly #refill: Refill;
  readonly #now: () => number;
  /** When each bucket is full again, in the order of use. */
  readonly #buckets = new Map<string, number>();

  constructor({ now = () => performance.now(), ...refill }: Refill & { readonly now?: () => number }) {
    this.#refill = refill;
    this.#now = now;
  }

  /** The number of stored keys: those whose bucket is not full. */
  get size(): number {
    return this.#buckets.size;
  }

  /** Takes a token and returns 0, or takes nothing and returns the seconds until the key's bucket has a token. */
  take(key: string): number {
    const taken = takeToken(this.#buckets.get(key) ?? 0, this.#now(), this.#refill);
    if ('missing' in taken) return taken.missing / 1_000;
    this.#store(key, taken.fullAt);
    return 0;
  }

  /** The seconds until the key's bucket has a token, 0 if it has one. Takes nothing. */
  waitFor(key: string): number {
    const taken = takeToken(this.#buckets.get(key) ?? 0, this.#now(), this.#refill);
    return 'missing' in taken ? taken.missing / 1_000 : 0;
  }

  /** Takes tokens for a cost that was unknown before. The bucket may fall below zero. */
  charge(key: string, tokens: number): void {
    if (tokens <= 0) return;
    this.#store(key, Math.max(this.#buckets.get(key) ?? 0, this.#now()) + (tokens * 1_000) / this.#refill.perSecond);
  }

  #store(key: string, fullAt: number): void {
    if (this.#buckets.size >= MAX_KEYS && !this.#buckets.has(key)) this.#makeRoom();
    // Deleted first, to keep the map in the order of use.
    this.#buckets.delete(key);
    this.#buckets.set(key, fullAt);
  }

  #makeRoom(): void {
    const now = this.#now();
    for (const [key, fullAt] of this.#buckets) if (fullAt <= now) this.#buckets.delete(key);
    const [oldest] = this.#buckets.keys();
    if (this.#buckets.size >= MAX_KEYS && oldest !== undefined) this.#buckets.delete(oldest);
  }
}
