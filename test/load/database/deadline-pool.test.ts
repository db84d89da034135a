import { sql } from 'kysely';
import { pino } from 'pino';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { createDatabase, type Db, type DatabaseOptions } from '../../../src/db/database.ts';
import { isDatabaseUnavailable } from '../../../src/db/database-errors.ts';
import { OutageLog } from '../../../src/lib/outage-log.ts';
import { createTestDatabase } from '../../support/database/database.ts';
import { openDatabaseProxy, type DatabaseProxy } from '../../support/database/database-proxy.ts';
import { eventually } from '../../support/eventually.ts';
import { executeSql } from '../../support/database/execute-sql.ts';

/** Of most pools here. Bounds are a multiple, because a machine may be busy. */
const ANSWER_MS = 1_000;

let url: string;
let proxy: DatabaseProxy;

beforeEach(async () => {
  const database = await createTestDatabase();
  onTestFinished(() => database[Symbol.asyncDispose]());
  url = database.url;
  proxy = await openDatabaseProxy(url);
  onTestFinished(() => proxy[Symbol.asyncDispose]());
});

function open(options: DatabaseOptions = {}): Db {
  const db = createDatabase(proxy.url, { answerMs: ANSWER_MS, ...options });
  onTestFinished(() => db.destroy());
  return db;
}
async function pidOf(db: Db): Promise<number> {
  const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(db);
  return rows[0]?.pid ?? 0;
}
/** How long it took to be refused, in milliseconds. */
async function refusal(work: Promise<unknown>): Promise<number> {
  const begun = performance.now();
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(isDatabaseUnavailable(error), String(error)).toBe(true);
  return performance.now() - begun;
}
const terminate = (pid: number) => executeSql(url, `select pg_terminate_backend(${pid})`);
const isGone = (pid: number) => async () =>
  (await executeSql(url, `select from pg_stat_activity where pid = ${pid}`)).rowCount === 0;

describe('a connection that the server closes', () => {
  it('while it is in use rejects the next statement, and is not reused', async () => {
    const db = open({ max: 1 });
    let ended = 0;
    const work = db.transaction().execute(async (trx) => {
      ended = await pidOf(trx);
      await terminate(ended);
      await eventually(isGone(ended));
      // The connection's error has come by now; nobody waits for a statement.
      await new Promise((resolve) => setImmediate(resolve));
      await sql`select 1`.execute(trx);
    });
    await refusal(work);
    expect(await pidOf(db)).not.toBe(ended);
  });

  it('during a statement rejects it, and is not reused', async () => {
    const db = open({ max: 1, answerMs: 20_000 });
    const pid = await pidOf(db);
    const work = refusal(sql`select pg_sleep(15)`.execute(db));
    await terminate(pid);
    await work;
    expect(await pidOf(db)).not.toBe(pid);
  });

  it('for its idle transaction rejects the next statement', async () => {
    const db = open({ max: 1 });
    const work = db.transaction().execute(async (trx) => {
      await sql`set idle_in_transaction_session_timeout = 50`.execute(trx);
      const pid = await pidOf(trx);
      await eventually(isGone(pid));
      await sql`select 1`.execute(trx);
    });
    await refusal(work);
    await pidOf(db);
  });
});

describe('a connection that stops answering', () => {
  it('rejects its statement at the deadline, and is closed', async () => {
    const db = open({ max: 1 });
    await pidOf(db);
    proxy.set('blackhole');
    expect(await refusal(pidOf(db))).toBeLessThan(ANSWER_MS * 2);
    await eventually(() => proxy.count() === 0);
  });

  it('costs one deadline, even if others stopped answering with it', async () => {
    const db = open({ max: 5, answerMs: 2 * ANSWER_MS });
    const before = await Promise.all(
      Array.from({ length: 5 }, () => sql`select pg_sleep(0.1)`.execute(db).then(() => pidOf(db))),
    );
    expect(proxy.count()).toBe(5);
    proxy.set('blackhole');
    proxy.set('pass');
    expect(await refusal(pidOf(db))).toBeLessThan(4 * ANSWER_MS);
    const healed = performance.now();
    for (let asked = 0; asked < 5; asked += 1) expect(before).not.toContain(await pidOf(db));
    expect(performance.now() - healed).toBeLessThan(2 * ANSWER_MS);
  });

  it('never passes its late answer to the next statement', async () => {
    const db = open({ max: 1 });
    await pidOf(db);
    proxy.set(1.5 * ANSWER_MS);
    await refusal(sql`select 'late' as word`.execute(db));
    proxy.set('pass');
    const { rows } = await sql`select 'next' as word`.execute(db);
    expect(rows).toEqual([{ word: 'next' }]);
  });

  it('in a transaction ends the transaction at once', async () => {
    const db = open({ max: 1 });
    const work = db.transaction().execute(async (trx) => {
      await pidOf(trx);
      proxy.set('blackhole');
      await pidOf(trx);
    });
    expect(await refusal(work)).toBeLessThan(2 * ANSWER_MS);
  });

  it('while idle is closed with the pool within 2 s', async () => {
    const db = createDatabase(proxy.url);
    await pidOf(db);
    proxy.set('blackhole');
    const begun = performance.now();
    await db.destroy();
    // Without its own deadline, it would wait for 5 s.
    expect(performance.now() - begun).toBeLessThan(4_500);
    await eventually(() => proxy.count() === 0);
  });
});

it('waiting too long for a connection is no outage while the database answers on the others', async () => {
  const lines: string[] = [];
  const log = pino({}, { write: (line: string) => void lines.push(line) });
  const db = open({ max: 1, outage: new OutageLog(log, 'the database') });
  const released = new AbortController();
  const holder = db.transaction().execute(async (trx) => {
    while (!released.signal.aborted) await sql`select pg_sleep(0.1)`.execute(trx);
  });
  await refusal(pidOf(db));
  released.abort();
  await holder;
  expect(lines).toEqual([]);
  // Nor does it hide one.
  proxy.set('cut');
  await refusal(pidOf(db));
  expect(lines).toHaveLength(1);
});

it('the server notices after a minute that the gateway vanished without a FIN', async () => {
  const { rows } = await sql<{ idle: string }>`select current_setting('tcp_keepalives_idle') as idle`.execute(open());
  expect(rows[0]?.idle).toBe(url.includes('host=') ? '0' : '30');
});

describe('during the shutdown', () => {
  it('a statement waits for at most 2 s, and the next one fails at once', async () => {
    const ending = new AbortController();
    const db = open({ answerMs: 60_000, ending: ending.signal, max: 2 });
    await pidOf(db);
    proxy.set('blackhole');
    const work = refusal(pidOf(db));
    ending.abort();
    expect(await work).toBeLessThan(10_000);
    expect(await refusal(pidOf(db))).toBeLessThan(1_900);
  });

  it('a database that answers keeps serving', async () => {
    const ending = new AbortController();
    const db = open({ ending: ending.signal });
    ending.abort();
    expect(await pidOf(db)).toBeGreaterThan(0);
  });
});

it('connections to a server that became a standby are not reused', async () => {
  const db = open({ max: 1 });
  const pid = await pidOf(db);
  await executeSql(url, 'create table kept ()');
  await sql`set default_transaction_read_only = on`.execute(db);
  await refusal(sql`insert into kept default values`.execute(db));
  expect(await pidOf(db)).not.toBe(pid);
  await sql`insert into kept default values`.execute(db);
});

it('a statement that waits for a lock fails as unavailable, and keeps its connection', async () => {
  const db = open({ max: 1, answerMs: 500 });
  const pid = await pidOf(db);
  expect(await refusal(sql`select pg_sleep(5)`.execute(db))).toBeLessThan(4_000);
  expect(await pidOf(db)).toBe(pid);
});
