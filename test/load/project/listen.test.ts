import { expect, it, onTestFinished } from 'vitest';
import { Listener } from '../../../src/db/listen.ts';
import { createTestDatabase } from '../../support/database/database.ts';
import { openDatabaseProxy } from '../../support/database/database-proxy.ts';
import { eventually } from '../../support/eventually.ts';
import { executeSql } from '../../support/database/execute-sql.ts';

async function setUp() {
  const database = await createTestDatabase();
  onTestFinished(() => database[Symbol.asyncDispose]());
  const proxy = await openDatabaseProxy(database.url);
  onTestFinished(() => proxy[Symbol.asyncDispose]());
  const failures: unknown[] = [];
  const outage = { failed: (error: unknown) => void failures.push(error), answered: () => undefined };
  const listener = await Listener.open({ url: proxy.url, outage, name: 'a-listener' });
  onTestFinished(() => listener.close());
  const backends = async () =>
    (await executeSql(database.url, "select pid from pg_stat_activity where application_name = 'a-listener'")).rows as {
      pid: number;
    }[];
  return { url: database.url, proxy, listener, failures, backends };
}

it('a listener whose LISTEN fails holds no connection', async () => {
  const { url, proxy, failures, backends } = await setUp();
  // As a standby, or a server out of memory, refuses it: the connection is there, its LISTEN fails.
  proxy.set({ garble: /listen vm_event/ });
  await executeSql(url, `select pg_terminate_backend(${(await backends())[0]?.pid})`);
  await eventually(() => failures.length >= 5, { deadline: 20_000 });
  await eventually(async () => (await backends()).length <= 1);
  expect(proxy.count()).toBeLessThanOrEqual(1);
  proxy.set('pass');
  await eventually(async () => (await backends()).length === 1, { deadline: 10_000 });
}, 60_000);

it('a listener detects a connection that stopped answering, and reconnects', async () => {
  const { url, proxy, listener } = await setUp();
  let resyncs = 0;
  listener.onResync(() => (resyncs += 1));
  const heard: string[] = [];
  listener.on('vm_due', (payload) => heard.push(payload));
  proxy.set('blackhole');
  proxy.set('pass');
  await eventually(() => resyncs === 1, { deadline: 20_000 });
  await executeSql(url, "notify vm_due, 'again'");
  await eventually(() => heard.includes('again'));
}, 40_000);

it('a listener with a dead connection closes at once', async () => {
  const { proxy, listener } = await setUp();
  proxy.set('blackhole');
  const begun = performance.now();
  await listener.close();
  expect(performance.now() - begun).toBeLessThan(1_000);
});
