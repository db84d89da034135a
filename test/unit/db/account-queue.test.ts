import { afterEach, expect, it, vi } from 'vitest';
import { runExclusive } from '../../../src/db/account-queue.ts';
import type { Db } from '../../../src/db/database.ts';

/** Each database has its own queues, which never query it. */
const newDb = (): Db => ({}) as Db;

afterEach(() => vi.useRealTimers());

it('changes of one account run one after another in the order of their arrival, even if some fail', async () => {
  const db = newDb();
  const log: string[] = [];
  const change = (name: string, fails = false) =>
    runExclusive(db, 'alice', async () => {
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

it('a change waits neither for another account nor for the same account of another database', async () => {
  const [db, other] = [newDb(), newDb()];
  const held = Promise.withResolvers<string>();
  const waiting = runExclusive(db, 'alice', () => held.promise);
  expect(await runExclusive(db, 'bob', async () => 'bob')).toBe('bob');
  expect(await runExclusive(other, 'alice', async () => 'another alice')).toBe('another alice');
  held.resolve('alice');
  expect(await waiting).toBe('alice');
});

it('a change is refused at once while 200 are pending, and accepted once they are done', async () => {
  const db = newDb();
  const held = Promise.withResolvers<void>();
  const waiting = Array.from({ length: 200 }, () => runExclusive(db, 'alice', () => held.promise));
  await expect(runExclusive(db, 'alice', async () => undefined)).rejects.toMatchObject({ code: 'RATE_LIMITED' });
  held.resolve();
  await Promise.all(waiting);
  expect(await runExclusive(db, 'alice', async () => 'again')).toBe('again');
});

it('a change that has waited for more than 10 s is refused', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  const db = newDb();
  const held = Promise.withResolvers<void>();
  const made: string[] = [];
  const begun = Promise.withResolvers<void>();
  const first = runExclusive(db, 'alice', () => (begun.resolve(), held.promise));
  await begun.promise;
  const late = runExclusive(db, 'alice', async () => made.push('late'));
  vi.advanceTimersByTime(10_001);
  const next = runExclusive(db, 'alice', async () => made.push('next'));
  held.resolve();
  await expect(late).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  await Promise.all([first, next]);
  expect(made).toEqual(['next']);
});
