import { ApiError } from '../errors.ts';
import { networkOf } from '../http/request/network-of.ts';
import { TokenBuckets } from '../lib/concurrency/token-buckets.ts';
import type { Log } from '../log.ts';
import { countRefusal } from '../measures.ts';
import type { Viewer } from '../audit/viewer.ts';

export interface RateOptions {
  /** Points per second, with a burst of ten seconds' worth. */
  readonly perAccount: number;
  readonly perAddress: number;
  readonly log: Log;
}

const BURST_SECONDS = 10;
/**
 * Each change leaves rows in the audit and among the events, for months: with the default rate an account makes one a
 * second in the long run, and 3,000 at once.
 */
const CHANGES_PER_POINT = 0.01;
const CHANGES_BURST_SECONDS = 3_000;
const LOG_EVERY_MS = 60_000;

/** Rate limits per account and per address, in points. A plain request costs one point. */
export class RateLimits {
  readonly #accounts: TokenBuckets;
  readonly #changes: TokenBuckets;
  readonly #addresses: TokenBuckets;
  readonly #log: Log;
  #loggedAt = Number.NEGATIVE_INFINITY;

  constructor({ perAccount, perAddress, log }: RateOptions) {
    this.#accounts = new TokenBuckets({ perSecond: perAccount, burst: perAccount * BURST_SECONDS });
    this.#changes = new TokenBuckets({
      perSecond: perAccount * CHANGES_PER_POINT,
      burst: perAccount * CHANGES_PER_POINT * CHANGES_BURST_SECONDS,
    });
    this.#addresses = new TokenBuckets({ perSecond: perAddress, burst: perAddress * BURST_SECONDS });
    this.#log = log;
  }

  /** Counts a request of the address, before it is read. Throws RATE_LIMITED. */
  checkAddress(address: string): void {
    const wait = this.#addresses.take(networkOf(address));
    if (wait === 0) return;
    countRefusal('address_rate');
    if (performance.now() - this.#loggedAt > LOG_EVERY_MS) {
      this.#loggedAt = performance.now();
      this.#log.warn({ address }, 'an address sends too many requests; if it is your proxy, add it to TRUSTED_PROXIES');
    }
    throw tooMany(wait);
  }

  /** Counts a request of the account, before it runs. Throws RATE_LIMITED. */
  checkAccount({ userId }: Viewer): void {
    const wait = this.#accounts.take(userId);
    if (wait === 0) return;
    countRefusal('account_rate');
    throw tooMany(wait);
  }

  /** Counts a mutation with so many fields, before it runs. Throws RATE_LIMITED. */
  checkChanges({ userId }: Viewer, changes: number): void {
    const wait = this.#changes.take(userId);
    if (wait === 0) return this.#changes.charge(userId, changes - 1);
    countRefusal('change_rate');
    throw tooMany(wait);
  }

  /** Adds what a request costs beyond its one point. Never throws: later requests wait for it. */
  charge({ userId }: Viewer, points: number): void {
    this.#accounts.charge(userId, points);
  }
}

function tooMany(waitSeconds: number): ApiError {
  const retryAfterSeconds = Math.ceil(waitSeconds);
  return new ApiError('RATE_LIMITED', `Too many requests; try again in ${retryAfterSeconds} s.`, { retryAfterSeconds });
}
