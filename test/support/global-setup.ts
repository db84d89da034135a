import { mkdtemp, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestProject } from 'vitest/node';
import { startEmbeddedPostgres } from '../../src/db/embedded/embedded-postgres.ts';
import { migrateToLatest } from '../../src/db/startup/migrate.ts';
import { createLog } from '../../src/log.ts';
import { executeSql, urlOfDatabase } from './database/execute-sql.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Where `awaitAdminUrl` finds what became of the start of PostgreSQL. */
    postgresFile: string;
  }
}

/** The migrated database that `createTestDatabase` clones. */
const TEMPLATE = 'swiftor_template';

/** The write-ahead log and as many databases as exist at once. */
const DATABASES_BYTES = 2 ** 30;

/** What became of the start. */
export type PostgresOutcome = { readonly adminUrl: string } | { readonly failure: string };

interface TestPostgres extends AsyncDisposable {
  readonly adminUrl: string;
}

interface SharedPostgres extends AsyncDisposable {
  readonly file: string;
}

/**
 * Vitest sets each project up, one after the other, in this process: the first starts PostgreSQL, the last stops it.
 */
let shared: SharedPostgres | undefined;
let users = 0;

/** One PostgreSQL for the whole run: TEST_DATABASE_URL, or our own in a fresh directory that is removed at the end. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  shared ??= await beginPostgres();
  users += 1;
  project.provide('postgresFile', shared.file);
  return async () => {
    users -= 1;
    if (users === 0) await shared?.[Symbol.asyncDispose]();
  };
}

/** Starts it while the workers load the gateway. Tests that need no database do not wait for it. */
async function beginPostgres(): Promise<SharedPostgres> {
  const folder = await mkdtemp(path.join(tmpdir(), 'swiftor-postgres-'));
  const file = path.join(folder, 'outcome.json');
  const tell = (outcome: PostgresOutcome) => writeFile(file, JSON.stringify(outcome));
  const started = startPostgres();
  const told = started.then(
    ({ adminUrl }) => tell({ adminUrl }),
    (error: unknown) => tell({ failure: String(error) }),
  );
  return {
    file,
    async [Symbol.asyncDispose]() {
      await told;
      const postgres = await started.catch(() => undefined);
      await postgres?.[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
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
    settings: { fsync: 'off', full_page_writes: 'off', max_connections: '200' },
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
