import { ApiError } from '../errors.ts';
import { networkOf } from '../http/network-of.ts';
import { createTokenBuckets } from '../lib/token-buckets.ts';
import type { Log } from '../log.ts';
import type { Viewer } from '../audit/viewer.ts';

/** Rate limits per account and per address, in points. A plain request costs one point. */
export interface RateLimits {
  /** Counts a request of the address, before it is read. Throws RATE_LIMITED. */
  checkAddress(address: string): void;
  /** Counts a request of the account, before it runs. Throws RATE_LIMITED. */
  checkAccount(viewer: Viewer): void;
  /** Adds what a request costs beyond its one point. Never throws: later requests wait for it. */
  charge(viewer: Viewer, points: number): void;
}

export interface RateOptions {
  /** Points per second, with a burst of ten seconds' worth. */
  readonly perAccount: number;
  readonly perAddress: number;
  readonly log: Log;
}

const BURST_SECONDS = 10;
const LOG_EVERY_MS = 60_000;

export function createRateLimits({ perAccount, perAddress, log }: RateOptions): RateLimits {
  const accounts = createTokenBuckets({ perSecond: perAccount, burst: perAccount * BURST_SECONDS });
  const addresses = createTokenBuckets({ perSecond: perAddress, burst: perAddress * BURST_SECONDS });
  let loggedAt = Number.NEGATIVE_INFINITY;

  return {
    checkAddress(address) {
      const wait = addresses.take(networkOf(address));
      if (wait === 0) return;
      if (performance.now() - loggedAt > LOG_EVERY_MS) {
        loggedAt = performance.now();
        log.warn({ address }, 'an address sends too many requests; if it is your proxy, add it to TRUSTED_PROXIES');
      }
      throw tooMany(wait);
    },
    checkAccount({ userId }) {
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
