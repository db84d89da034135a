/** A bucket of tokens for each key, refilled steadily: who takes one at a time meets no limit, who takes many at once waits. */
export interface TokenBuckets {
  /** 0 and a token less when the key's bucket has one; otherwise the seconds until it has, and nothing taken. */
  take(key: string): number;
  /** Takes what something cost that is known only after it was let in; the bucket may fall below empty. */
  charge(key: string, tokens: number): void;
  /** How many keys are remembered: those whose bucket is not full. */
  readonly size: number;
}

/** More keys than this are not remembered: a flood of addresses must not fill the memory. */
const MOST_KEYS = 50_000;

/** How fast a bucket is refilled, and how many tokens it holds. */
export interface Refill {
  readonly perSecond: number;
  readonly burst: number;
}

/**
 * When the bucket will be full again after one more token, all that is kept of it (the generic cell rate algorithm); or how many
 * milliseconds are missing until it has that token. A bucket that was never taken from is full at 0.
 */
export function takeToken(fullAt: number, moment: number, { perSecond, burst }: Refill): { fullAt: number } | { missing: number } {
  const msPerToken = 1_000 / perSecond;
  const next = Math.max(fullAt, moment) + msPerToken;
  const missing = next - moment - burst * msPerToken;
  // A rounding error of the clock is no reason to wait.
  return missing > 1e-6 ? { missing } : { fullAt: next };
}

/** Buckets without timers; one that is full is forgotten. */
export function createTokenBuckets({ now = () => performance.now(), ...refill }: Refill & { readonly now?: () => number }): TokenBuckets {
  const buckets = new Map<string, number>();

  const keep = (key: string, fullAt: number): void => {
    if (buckets.size >= MOST_KEYS && !buckets.has(key)) makeRoom();
    // Set anew, so that the map is in the order of use.
    buckets.delete(key);
    buckets.set(key, fullAt);
  };
  const makeRoom = (): void => {
    const moment = now();
    for (const [key, fullAt] of buckets) if (fullAt <= moment) buckets.delete(key);
    const [oldest] = buckets.keys();
    if (buckets.size >= MOST_KEYS && oldest !== undefined) buckets.delete(oldest);
  };

  return {
    take(key) {
      const taken = takeToken(buckets.get(key) ?? 0, now(), refill);
      if ('missing' in taken) return taken.missing / 1_000;
      keep(key, taken.fullAt);
      return 0;
    },
    charge(key, tokens) {
      if (tokens > 0) keep(key, Math.max(buckets.get(key) ?? 0, now()) + (tokens * 1_000) / refill.perSecond);
    },
    get size() {
      return buckets.size;
    },
  };
}
