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

/**
 * Buckets of `burst` tokens, refilled with `perSecond`. All that is kept of one is the moment when it will be full again (the generic cell
 * rate algorithm), so there are no timers, and a bucket that is full is forgotten.
 */
export function createTokenBuckets({ perSecond, burst, now = () => performance.now() }: TokenBucketOptions): TokenBuckets {
  const msPerToken = 1_000 / perSecond;
  const msToFill = burst * msPerToken;
  const fullAt = new Map<string, number>();

  const pay = (key: string, from: number, tokens: number): void => {
    if (fullAt.size >= MOST_KEYS && !fullAt.has(key)) makeRoom();
    // Set anew, so that the map is in the order of use.
    fullAt.delete(key);
    fullAt.set(key, from + tokens * msPerToken);
  };
  const makeRoom = (): void => {
    const moment = now();
    for (const [key, full] of fullAt) if (full <= moment) fullAt.delete(key);
    const [oldest] = fullAt.keys();
    if (fullAt.size >= MOST_KEYS && oldest !== undefined) fullAt.delete(oldest);
  };

  return {
    take(key) {
      const moment = now();
      const full = Math.max(fullAt.get(key) ?? moment, moment);
      const missing = full + msPerToken - moment - msToFill;
      // A rounding error of the clock is no reason to wait.
      if (missing > 1e-6) return missing / 1_000;
      pay(key, full, 1);
      return 0;
    },
    charge(key, tokens) {
      if (tokens > 0) pay(key, Math.max(fullAt.get(key) ?? 0, now()), tokens);
    },
    get size() {
      return fullAt.size;
    },
  };
}

interface TokenBucketOptions {
  readonly perSecond: number;
  readonly burst: number;
  /** Milliseconds that only go forward. */
  readonly now?: () => number;
}
