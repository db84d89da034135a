import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { awaitAdminUrl } from './admin-url.ts';
import { executeSql, urlOfDatabase } from './execute-sql.ts';

/** This process creates and drops all its databases over one connection: each costs PostgreSQL a process. */
let connected: Promise<pg.Client> | undefined;

export interface TestDatabase extends AsyncDisposable {
  readonly url: string;
}

/**
 * A migrated, empty database of one's own, in about 0.02 s. Its disposal drops it and cuts the connections that it
 * still has.
 */
export async function createTestDatabase(): Promise<TestDatabase> {
  const database = await cloneDatabase('swiftor_template');
  // Each clone is an installation of its own: no test takes another's containers for orphans.
  await executeSql(database.url, 'update installation set id = gen_random_uuid(), key_check = null');
  return database;
}

/**
 * The database as it is now, its installation too: a backup of it, ready to be served. Nobody may be connected to it.
 */
export function backUpDatabase({ url }: TestDatabase): Promise<TestDatabase> {
  return cloneDatabase(new URL(url).pathname.slice(1));
}

async function cloneDatabase(template: string): Promise<TestDatabase> {
  const adminUrl = await awaitAdminUrl();
  const admin = await (connected ??= connect(adminUrl));
  const name = `swiftor_test_${randomBytes(6).toString('hex')}`;
  // Copying the files takes a third of the time of copying their pages by way of the log.
  await admin.query(`create database ${name} template ${template} strategy file_copy`);
  const url = urlOfDatabase(adminUrl, name);
  return {
    url,
    [Symbol.asyncDispose]: async () => {
      await admin.query(`drop database if exists ${name} with (force)`);
    },
  };
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000, query_timeout: 30_000 });
  // It lasts as long as the process, and PostgreSQL may end first.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}
