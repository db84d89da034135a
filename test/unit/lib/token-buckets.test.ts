import { describe, expect, it } from 'vitest';
import { networkOf } from '../../../src/http/request/network-of.ts';
import { TokenBuckets } from '../../../src/lib/concurrency/token-buckets.ts';

describe('a token bucket', () => {
  /** Ten a second, five at once, by a clock of ours. */
  function makeBuckets() {
    let moment = 1_000;
    const buckets = new TokenBuckets({ perSecond: 10, burst: 5, now: () => moment });
    const takeAll = (key = 'a'): number => {
      let taken = 0;
      while (buckets.take(key) === 0) taken += 1;
      return taken;
    };
    return { takeAll, buckets, pass: (ms: number) => (moment += ms) };
  }

  it('gives its burst and no more', () => {
    expect(makeBuckets().takeAll()).toBe(5);
  });

  it('returns the time until the next token, and then gives it', () => {
    const { takeAll, buckets, pass } = makeBuckets();
    takeAll();
    expect(buckets.take('a')).toBeCloseTo(0.1);
    pass(99);
    expect(buckets.take('a')).toBeCloseTo(0.001);
    pass(1);
    expect([buckets.take('a'), buckets.take('a')]).toEqual([0, expect.closeTo(0.1)]);
  });

  it('refills up to its burst', () => {
    const { takeAll, pass } = makeBuckets();
    takeAll();
    pass(60_000);
    expect(takeAll()).toBe(5);
  });

  it('is separate for each key', () => {
    const { takeAll } = makeBuckets();
    expect([takeAll('a'), takeAll('b'), takeAll('a')]).toEqual([5, 5, 0]);
  });

  it('takes later charges, even below zero', () => {
    const { buckets, pass } = makeBuckets();
    expect(buckets.take('a')).toBe(0);
    buckets.charge('a', 14);
    expect(buckets.take('a')).toBeCloseTo(1.1);
    pass(1_100);
    expect(buckets.take('a')).toBe(0);
  });

  it('is dropped when it is full', () => {
    const { buckets, pass } = makeBuckets();
    for (let key = 0; key < 50_000; key += 1) buckets.take(`${key}`);
    expect(buckets.size).toBe(50_000);
    buckets.take('another');
    // None is full: the one that was used longest ago makes room.
    expect(buckets.size).toBe(50_000);
    pass(1_000);
    buckets.take('yet another');
    expect(buckets.size).toBe(1);
  });
});

describe('the network of an address', () => {
  it.each([
    ['10.1.2.3', '10.1.2.3'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:db8:1:2:ffff::1', '2001:db8:1:2'],
    ['2001:DB8:0001:2::', '2001:db8:1:2'],
    ['2001:db8::1', '2001:db8:0:0'],
    ['::1', '0:0:0:0'],
    ['unknown', 'unknown'],
  ])('of %s is %s', (address, network) => expect(networkOf(address)).toBe(network));
});
