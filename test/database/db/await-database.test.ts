import { pino } from 'pino';
import { expect, it, onTestFinished } from 'vitest';
import { awaitDatabase } from '../../../src/db/startup/await-database.ts';
import { createLog } from '../../../src/log.ts';
import { createTestDatabase } from '../../support/database/database.ts';
import { openDatabaseProxy } from '../../support/database/database-proxy.ts';

async function openProxy() {
  const database = await createTestDatabase();
  onTestFinished(() => database[Symbol.asyncDispose]());
  const proxy = await openDatabaseProxy(database.url);
  onTestFinished(() => proxy[Symbol.asyncDispose]());
  return proxy;
}
const { signal } = new AbortController();

it('a database that is not there yet is waited for, with one line in the log', async () => {
  const proxy = await openProxy();
  proxy.set('cut');
  const lines: string[] = [];
  const log = pino({}, { write: (line: string) => void lines.push(line) });
  const waiting = awaitDatabase(proxy.url, log, signal);
  await expect.poll(() => lines.length).toBe(1);
  proxy.set('pass');
  await waiting;
  expect(lines).toHaveLength(2);
});

it('a database that refuses is reported at once', async () => {
  const proxy = await openProxy();
  const url = new URL(proxy.url);
  url.pathname = '/there-is-no-such-database';
  await expect(awaitDatabase(url.href, await createLog({ level: 'silent' }), signal)).rejects.toThrow('does not exist');
});

it('an abort ends the wait', async () => {
  const proxy = await openProxy();
  proxy.set('cut');
  const ending = new AbortController();
  const waiting = awaitDatabase(proxy.url, await createLog({ level: 'silent' }), ending.signal);
  ending.abort();
  await expect(waiting).rejects.toThrow('aborted');
});
