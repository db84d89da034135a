import { afterEach, expect, test, vi } from 'vitest';
import { inTurn } from '../../src/db/account-turns.ts';
import type { Db } from '../../src/db/database.ts';

/** Turns are kept apart by database, and ask nothing of it. */
const newDb = (): Db => ({}) as Db;

afterEach(() => vi.useRealTimers());

test('changes of one account run one after the other, in the order in which they came, whatever becomes of each', async () => {
  const db = newDb();
  const log: string[] = [];
  const change = (name: string, fails = false) =>
    inTurn(db, 'alice', async () => {
      log.push(`${name} begins`);
      await Promise.resolve();
      log.push(`${name} ends`);
      if (fails) throw new Error(`${name} failed`);
      return name;
    });
  const results = await Promise.allSettled([change('one'), change('two', true), change('three')]);
  expect(log).toEqual(['one begins', 'one ends', 'two begins', 'two ends', 'three begins', 'three ends']);
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
});

test('nobody waits for another account, nor for the same one of another database', async () => {
  const [db, other] = [newDb(), newDb()];
  const held = Promise.withResolvers<string>();
  const waiting = inTurn(db, 'alice', () => held.promise);
  expect(await inTurn(db, 'bob', async () => 'bob')).toBe('bob');
  expect(await inTurn(other, 'alice', async () => 'another alice')).toBe('another alice');
  held.resolve('alice');
  expect(await waiting).toBe('alice');
});

test('past 200 that wait one more is refused at once, and when they are through there is room again', async () => {
  const db = newDb();
  const held = Promise.withResolvers<void>();
  const waiting = Array.from({ length: 200 }, () => inTurn(db, 'alice', () => held.promise));
  await expect(inTurn(db, 'alice', async () => undefined)).rejects.toMatchObject({ code: 'RATE_LIMITED' });
  held.resolve();
  await Promise.all(waiting);
  expect(await inTurn(db, 'alice', async () => 'again')).toBe('again');
});

test('one that has waited for more than 10 s is not made', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  const db = newDb();
  const held = Promise.withResolvers<void>();
  const made: string[] = [];
  const begun = Promise.withResolvers<void>();
  const first = inTurn(db, 'alice', () => (begun.resolve(), held.promise));
  await begun.promise;
  const late = inTurn(db, 'alice', async () => made.push('late'));
  vi.advanceTimersByTime(10_001);
  const next = inTurn(db, 'alice', async () => made.push('next'));
  held.resolve();
  await expect(late).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  await Promise.all([first, next]);
  expect(made).toEqual(['next']);
});
