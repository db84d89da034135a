/** A token bucket per key, refilled at a steady rate: it limits the average rate and the size of bursts. */
export interface TokenBuckets {
  /** Takes a token and returns 0, or takes nothing and returns the seconds until the key's bucket has a token. */
  take(key: string): number;
  /** Takes tokens for a cost that was unknown before. The bucket may fall below zero. */
  charge(key: string, tokens: number): void;
  /** The number of stored keys: those whose bucket is not full. */
  readonly size: number;
}

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

/** Needs no timers. Drops full buckets when it needs room. */
export function createTokenBuckets({
  now = () => performance.now(),
  ...refill
}: Refill & { readonly now?: () => number }): TokenBuckets {
  const buckets = new Map<string, number>();

  const store = (key: string, fullAt: number): void => {
    if (buckets.size >= MAX_KEYS && !buckets.has(key)) makeRoom();
    // Deleted first, to keep the map in the order of use.
    buckets.delete(key);
    buckets.set(key, fullAt);
  };
  const makeRoom = (): void => {
    const moment = now();
    for (const [key, fullAt] of buckets) if (fullAt <= moment) buckets.delete(key);
    const [oldest] = buckets.keys();
    if (buckets.size >= MAX_KEYS && oldest !== undefined) buckets.delete(oldest);
  };

  return {
    take(key) {
      const taken = takeToken(buckets.get(key) ?? 0, now(), refill);
      if ('missing' in taken) return taken.missing / 1_000;
      store(key, taken.fullAt);
      return 0;
    },
    charge(key, tokens) {
      if (tokens > 0) store(key, Math.max(buckets.get(key) ?? 0, now()) + (tokens * 1_000) / refill.perSecond);
    },
    get size() {
      return buckets.size;
    },
  };
}
