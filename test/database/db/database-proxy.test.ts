import pg from 'pg';
import { afterAll, beforeAll, describe, it, type TestContext } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../support/database/database.ts';
import { openDatabaseProxy } from '../../support/database/database-proxy.ts';
import { eventually } from '../../support/eventually.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

/** A proxy of the test's own, and connections that end with it. */
async function setUp({ onTestFinished }: TestContext) {
  const proxy = await openDatabaseProxy(database.url);
  onTestFinished(() => proxy[Symbol.asyncDispose]());
  const connect = async (): Promise<pg.Client> => {
    const client = new pg.Client({ connectionString: proxy.url, connectionTimeoutMillis: 500, query_timeout: 500 });
    client.on('error', () => undefined);
    onTestFinished(() => void client.end());
    await client.connect();
    return client;
  };
  return { proxy, connect };
}

// Most of the time they wait.
describe.concurrent('the database proxy', () => {
  it('delays statements by the configured time', async (test) => {
    const { expect } = test;
    const { proxy, connect } = await setUp(test);
    const client = await connect();
    expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    expect(proxy.count()).toBe(1);
    proxy.set(100);
    const asked = performance.now();
    await client.query('select 1');
    expect(performance.now() - asked).toBeGreaterThanOrEqual(195);
    await client.end();
    await eventually(() => proxy.count() === 0);
  });

  it('resets all connections when it cuts', async (test) => {
    const { expect } = test;
    const { proxy, connect } = await setUp(test);
    const client = await connect();
    const ended = new Promise((resolve) => client.once('end', () => resolve('ended')));
    proxy.set('cut');
    expect(await ended).toBe('ended');
    await expect(connect()).rejects.toThrow(/ECONNRESET|terminated/);
    proxy.set('pass');
    await (await connect()).query('select 1');
  });

  it('never answers nor ends a connection that was in its blackhole', async (test) => {
    const { expect } = test;
    const { proxy, connect } = await setUp(test);
    const client = await connect();
    let ended = false;
    client.once('end', () => (ended = true));
    proxy.set('blackhole');
    await expect(client.query('select 1')).rejects.toThrow('Query read timeout');
    await expect(connect()).rejects.toThrow('timeout expired');
    proxy.set('pass');
    await (await connect()).query('select 1');
    expect(ended).toBe(false);
  });

  it('loses the answer of a statement that was executed', async (test) => {
    const { expect } = test;
    const { proxy, connect } = await setUp(test);
    const client = await connect();
    proxy.set('lose-answers');
    await expect(client.query('create table kept ()')).rejects.toThrow('Query read timeout');
    proxy.set('pass');
    expect((await (await connect()).query('select from kept')).rowCount).toBe(0);
  });

  it('garbles statements, which the server then refuses', async (test) => {
    const { expect } = test;
    const { proxy, connect } = await setUp(test);
    const client = await connect();
    proxy.set({ garble: /create table/ });
    await expect(client.query('create table kept ()')).rejects.toThrow('syntax error');
    await client.query('select 1');
  });
});
