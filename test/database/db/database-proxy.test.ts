import pg from 'pg';
import { expect, it, onTestFinished } from 'vitest';
import { createTestDatabase } from '../../support/database/database.ts';
import { openDatabaseProxy } from '../../support/database/database-proxy.ts';
import { eventually } from '../../support/eventually.ts';

async function setUp() {
  const database = await createTestDatabase();
  onTestFinished(() => database[Symbol.asyncDispose]());
  const proxy = await openDatabaseProxy(database.url);
  onTestFinished(() => proxy[Symbol.asyncDispose]());
  return proxy;
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 500, query_timeout: 500 });
  client.on('error', () => undefined);
  onTestFinished(() => void client.end());
  await client.connect();
  return client;
}

it('the database proxy delays statements by the configured time', async () => {
  const proxy = await setUp();
  const client = await connect(proxy.url);
  expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  expect(proxy.count()).toBe(1);
  proxy.set(100);
  const asked = performance.now();
  await client.query('select 1');
  expect(performance.now() - asked).toBeGreaterThanOrEqual(195);
  await client.end();
  await eventually(() => proxy.count() === 0);
});

it('the database proxy resets all connections when it cuts', async () => {
  const proxy = await setUp();
  const client = await connect(proxy.url);
  const ended = new Promise((resolve) => client.once('end', () => resolve('ended')));
  proxy.set('cut');
  expect(await ended).toBe('ended');
  await expect(connect(proxy.url)).rejects.toThrow(/ECONNRESET|terminated/);
  proxy.set('pass');
  await (await connect(proxy.url)).query('select 1');
});

it('the database proxy never answers nor ends a connection that was in its blackhole', async () => {
  const proxy = await setUp();
  const client = await connect(proxy.url);
  let ended = false;
  client.once('end', () => (ended = true));
  proxy.set('blackhole');
  await expect(client.query('select 1')).rejects.toThrow('Query read timeout');
  await expect(connect(proxy.url)).rejects.toThrow('timeout expired');
  proxy.set('pass');
  await (await connect(proxy.url)).query('select 1');
  expect(ended).toBe(false);
});

it('the database proxy loses the answer of a statement that was executed', async () => {
  const proxy = await setUp();
  const client = await connect(proxy.url);
  proxy.set('lose-answers');
  await expect(client.query('create table kept ()')).rejects.toThrow('Query read timeout');
  proxy.set('pass');
  expect((await (await connect(proxy.url)).query('select from kept')).rowCount).toBe(0);
});

it('the database proxy garbles statements, which the server then refuses', async () => {
  const proxy = await setUp();
  const client = await connect(proxy.url);
  proxy.set({ garble: /create table/ });
  await expect(client.query('create table kept ()')).rejects.toThrow('syntax error');
  await client.query('select 1');
});
