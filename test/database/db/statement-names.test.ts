import { sql } from 'kysely';
import pg from 'pg';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { createDatabase, type Db } from '../../../src/db/database.ts';
import { isDatabaseUnavailable } from '../../../src/db/database-errors.ts';
import { createDeadlinePool } from '../../../src/db/pool/deadline-pool.ts';
import { createTestDatabase } from '../../support/database/database.ts';
import { executeSql } from '../../support/database/execute-sql.ts';

let url: string;
let db: Db;

beforeEach(async () => {
  const database = await createTestDatabase();
  onTestFinished(() => database[Symbol.asyncDispose]());
  url = database.url;
  db = createDatabase(url, { max: 1 });
  onTestFinished(() => db.destroy());
});

async function preparedTexts(): Promise<string[]> {
  const { rows } = await sql<{ statement: string }>`select statement from pg_prepared_statements`.execute(db);
  return rows.map(({ statement }) => statement);
}
const readVm = (userId: string) => db.selectFrom('vm').select('id').where('user_id', '=', userId).execute();

it('a statement that comes again is prepared once for the connection', async () => {
  for (const userId of ['alice', 'bob', 'carol']) await readVm(userId);
  expect(await preparedTexts()).toEqual(['select "id" from "vm" where "user_id" = $1']);
});

it('a statement whose text varies is not prepared', async () => {
  for (let n = 0; n < 5; n += 1) await sql`select ${n}::int + ${sql.lit(n)} as sum`.execute(db);
  expect(await preparedTexts()).toEqual([]);
});

it('a connection that holds too many prepared statements is replaced', async () => {
  const pool = new pg.Pool({ connectionString: url, max: 1 });
  const limited = createDeadlinePool(pool, {
    answerMs: 5_000,
    maxPrepared: 3,
    ending: new AbortController().signal,
    onAnswer: () => undefined,
    onError: () => undefined,
  });
  onTestFinished(() => limited.end());
  const pids = new Set<unknown>();
  for (let n = 0; n < 10; n += 1) {
    const client = await limited.connect();
    const { rows } = await client.query(`select pg_backend_pid() as pid, $1::int + ${Math.floor(n / 2)}`, [n]);
    pids.add((rows[0] as { pid: number }).pid);
    client.release();
  }
  expect(pids.size).toBe(2);
});

it('a prepared statement that a migration has invalidated fails once, as an outage', async () => {
  const read = () => db.selectFrom('data_key').selectAll().where('user_id', '=', 'alice').execute();
  for (let n = 0; n < 3; n += 1) await read();
  await executeSql(url, 'alter table data_key add column added text');
  const error = await read().catch((reason: unknown) => reason);
  expect(isDatabaseUnavailable(error), String(error)).toBe(true);
  expect(await read()).toEqual([]);
});
