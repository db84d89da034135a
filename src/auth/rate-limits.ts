import { ApiError } from '../errors.ts';
import { networkOf } from '../http/network-of.ts';
import { createTokenBuckets } from '../lib/token-buckets.ts';
import type { Log } from '../log.ts';
import type { Viewer } from '../audit/viewer.ts';

/** How much an account, and an address, may ask for: in points, of which a plain request takes one. */
export interface RateLimits {
  /** Counts a request of the address, before anything of it is looked at. RATE_LIMITED when it has sent too many. */
  enter(address: string): void;
  /** Counts a request of the account, before it runs. RATE_LIMITED when it has asked for too much. */
  admit(viewer: Viewer): void;
  /** What the request turned out to cost beyond the one point: later requests wait for it. */
  charge(viewer: Viewer, points: number): void;
}

export interface RateOptions {
  /** Points a second; ten seconds' worth may come at once. */
  readonly perAccount: number;
  readonly perAddress: number;
  readonly log: Log;
}

const BURST_SECONDS = 10;
const SAY_EVERY_MS = 60_000;

export function createRateLimits({ perAccount, perAddress, log }: RateOptions): RateLimits {
  const accounts = createTokenBuckets({ perSecond: perAccount, burst: perAccount * BURST_SECONDS });
  const addresses = createTokenBuckets({ perSecond: perAddress, burst: perAddress * BURST_SECONDS });
  let saidAt = Number.NEGATIVE_INFINITY;

  return {
    enter(address) {
      const wait = addresses.take(networkOf(address));
      if (wait === 0) return;
      if (performance.now() - saidAt > SAY_EVERY_MS) {
        saidAt = performance.now();
        log.warn({ address }, 'an address sends too many requests; if it is a proxy of yours, name it in TRUSTED_PROXIES');
      }
      throw tooMany(wait);
    },
    admit({ userId }) {
      const wait = accounts.take(userId);
      if (wait > 0) throw tooMany(wait);
    },
    charge({ userId }, points) {
      accounts.charge(userId, points);
    },
  };
}

function tooMany(waitSeconds: number): ApiError {
  const retryAfterSeconds = Math.ceil(waitSeconds);
  return new ApiError('RATE_LIMITED', `Too many requests; try again in ${retryAfterSeconds} s.`, { retryAfterSeconds });
}
