import { mkdtemp, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestProject } from 'vitest/node';
import { startEmbeddedPostgres } from '../../src/db/embedded/embedded-postgres.ts';
import { migrateToLatest } from '../../src/db/migrate.ts';
import { createLog } from '../../src/log.ts';
import { executeSql, urlOfDatabase } from './database/execute-sql.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Of a database whose user may create others. */
    adminUrl: string;
  }
}

/** The migrated database that `createTestDatabase` clones. */
const TEMPLATE = 'swiftor_template';

/** The write-ahead log and as many databases as exist at once. */
const DATABASES_BYTES = 2 ** 30;

interface TestPostgres extends AsyncDisposable {
  readonly adminUrl: string;
}

/**
 * Vitest sets each project up, one after the other, in this process: the first starts PostgreSQL, the last stops it.
 */
let shared: TestPostgres | undefined;
let users = 0;

/** One PostgreSQL for the whole run: TEST_DATABASE_URL, or our own in a fresh directory that is removed at the end. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  shared ??= await startPostgres();
  users += 1;
  project.provide('adminUrl', shared.adminUrl);
  return async () => {
    users -= 1;
    if (users === 0) await shared?.[Symbol.asyncDispose]();
  };
}

async function startPostgres(): Promise<TestPostgres> {
  await using undo = new AsyncDisposableStack();
  const adminUrl = process.env['TEST_DATABASE_URL'] ?? (await startOwn(undo));
  await dropTemplate(adminUrl);
  undo.defer(() => dropTemplate(adminUrl));
  await createTemplate(adminUrl);
  const running = undo.move();
  return { adminUrl, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

async function startOwn(undo: AsyncDisposableStack): Promise<string> {
  const dataDir = await mkdtemp(path.join(await fastDirectory(), 'swiftor-test-'));
  undo.defer(() => rm(dataDir, { recursive: true, force: true }));
  const postgres = await startEmbeddedPostgres({
    dataDir,
    log: await createLog({ level: 'warn' }),
    signal: AbortSignal.timeout(60_000),
    // Nothing of it outlives the run, so nothing need survive a machine that fails.
    settings: { fsync: 'off', full_page_writes: 'off' },
  });
  undo.defer(() => postgres.stop());
  return postgres.url;
}

/** In memory where there is enough: tests create hundreds of databases, each of which takes a disk 0.4 s, memory 0.05 s. */
async function fastDirectory(): Promise<string> {
  const memory = '/dev/shm';
  const space = await statfs(memory).catch(() => undefined);
  return space && space.bavail * space.bsize >= DATABASES_BYTES ? memory : tmpdir();
}

async function createTemplate(adminUrl: string): Promise<void> {
  await executeSql(adminUrl, `create database ${TEMPLATE}`);
  await migrateToLatest(urlOfDatabase(adminUrl, TEMPLATE));
  // A connection to it would make every clone fail.
  await executeSql(adminUrl, `alter database ${TEMPLATE} is_template true allow_connections false`);
}

async function dropTemplate(adminUrl: string): Promise<void> {
  const { rowCount } = await executeSql(adminUrl, `select from pg_database where datname = '${TEMPLATE}'`);
  if (rowCount === 0) return;
  await executeSql(adminUrl, `alter database ${TEMPLATE} is_template false`);
  await executeSql(adminUrl, `drop database ${TEMPLATE} with (force)`);
}
