import { mkdir, realpath } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { acquireDataDirLock } from '../../lib/data-dir-lock.ts';
import type { Log } from '../../log.ts';
import { choosePostgresAccount } from './postgres-account.ts';
import { locatePostgresBinaries } from './postgres-binaries.ts';
import { ensureCluster, findClusterOwner } from './postgres-cluster.ts';
import { startPostgresServer, type PostgresServer, type PostgresServerOptions } from './postgres-server.ts';
import { createSocketDir, removeSocketDir } from './postgres-socket-dir.ts';
import { supervisePostgres } from './postgres-supervisor.ts';
import { clearSurvivors } from './postgres-survivors.ts';

export interface EmbeddedPostgres {
  /** Of the database `swiftor`, for `pg` and for libpq: postgresql://...?host=DIRECTORY_OF_THE_SOCKET */
  readonly url: string;
  /** Ends connections and PostgreSQL, cleanly within 10 s or else by force, from which it recovers. May be called twice. */
  stop(): Promise<void>;
}

export interface EmbeddedPostgresOptions {
  /** The cluster, its lock and a link to its socket are in `postgres` below it. */
  readonly dataDir: string;
  readonly log: Log;
  /** Aborts the start, which then leaves nothing running. Has no effect afterwards. */
  readonly signal: AbortSignal;
}

const DATABASE = 'swiftor';
/** A killed cluster of large size replays its log first. */
const READY_MS = 60_000;
/** The kernel may take a moment to let go of a killed cluster's memory and pids. */
const RETRY_FOR_MS = 15_000;
const STILL_HELD = /lock file ".*" already exists|pre-existing shared memory block/;

/**
 * Starts PostgreSQL on `dataDir`/postgres, which is made where it is missing, reachable by a unix socket only. It
 * is started again when it ends unasked. It ends with this process, even if that is killed; what an earlier run left behind, processes or files, is cleared first.
 * Rejects when another living process uses the directory, and with PostgreSQL's own words when it does not start.
 */
export async function startEmbeddedPostgres({ dataDir, log, signal }: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  signal.throwIfAborted();
  await using undo = new AsyncDisposableStack();
  await mkdir(path.join(dataDir, 'postgres'), { recursive: true, mode: 0o700 });
  // Without links: processes are recognised by where the kernel says that they work.
  const folder = await realpath(path.join(dataDir, 'postgres'));
  const lock = await acquireDataDirLock(folder);
  undo.defer(() => lock.release());

  const cluster = path.join(folder, 'cluster');
  const account = await choosePostgresAccount(await findClusterOwner(cluster));
  const binaries = await locatePostgresBinaries(account, folder);
  await clearSurvivors(cluster, log, signal);
  await ensureCluster(cluster, binaries, account, signal);
  const socketDir = await createSocketDir(folder, account);
  undo.defer(() => removeSocketDir(folder));

  const options = { program: binaries.postgres, cluster, socketDir, account, log, readyMs: READY_MS };
  const server = await startWithRetries(options, signal);
  undo.defer(() => server.stop());
  await ensureDatabase(socketDir);
  signal.throwIfAborted();

  const running = undo.move();
  const stopServer = supervisePostgres(server, {
    log,
    async start(ending) {
      await clearSurvivors(cluster, log, ending);
      return startWithRetries(options, ending);
    },
  });
  running.defer(stopServer);
  let stopped: Promise<void> | undefined;
  return { url: socketUrl(socketDir, DATABASE), stop: () => (stopped ??= running.disposeAsync()) };
}

/** The address of the PostgreSQL that a gateway runs on `dataDir` now; undefined where none does. */
export async function findEmbeddedPostgres(dataDir: string): Promise<string | undefined> {
  const socketDir = await realpath(path.join(dataDir, 'postgres', 'socket')).catch(() => undefined);
  if (socketDir === undefined) return undefined;
  const client = new pg.Client({ connectionString: socketUrl(socketDir, DATABASE), connectionTimeoutMillis: 10_000 });
  client.on('error', () => {});
  // What a killed gateway left behind looks the same, but does not answer.
  const answers = await client.connect().then(
    () => true,
    () => false,
  );
  await client.end().catch(() => undefined);
  return answers ? socketUrl(socketDir, DATABASE) : undefined;
}

async function startWithRetries(options: PostgresServerOptions, signal: AbortSignal): Promise<PostgresServer> {
  const deadline = Date.now() + RETRY_FOR_MS;
  for (;;) {
    try {
      return await startPostgresServer(options, signal);
    } catch (error) {
      const held = error instanceof Error && STILL_HELD.test(error.message);
      if (!held || Date.now() > deadline) throw error;
      options.log.warn({ err: error }, 'the database is still held by an earlier run; trying again');
      await delay(250, undefined, { signal });
      await clearSurvivors(options.cluster, options.log, signal);
    }
  }
}

async function ensureDatabase(socketDir: string): Promise<void> {
  const client = new pg.Client({
    connectionString: socketUrl(socketDir, 'postgres'),
    connectionTimeoutMillis: 10_000,
    query_timeout: 30_000,
  });
  // A lost connection rejects the query that waits; without a listener it would also end the process.
  client.on('error', () => {});
  await client.connect();
  try {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [DATABASE]);
    if (rowCount === 0) await client.query(`create database ${DATABASE}`);
  } finally {
    await client.end();
  }
}

/** Says all that the environment (PGPORT, PGSSLMODE) could say otherwise. */
function socketUrl(socketDir: string, database: string): string {
  return `postgresql://swiftor@localhost:5432/${database}?host=${encodeURIComponent(socketDir)}&sslmode=disable`;
}
