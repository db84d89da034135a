import { mkdir, realpath } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { acquireDataDirLock } from '../../lib/process/data-dir-lock.ts';
import type { Log } from '../../log.ts';
import { choosePostgresAccount } from './postgres-account.ts';
import { locatePostgresBinaries } from './postgres-binaries.ts';
import { ensureCluster, findClusterOwner } from './postgres-cluster.ts';
import { startPostgresServer, type PostgresServer, type PostgresServerOptions } from './postgres-server.ts';
import { createSocketDir, removeSocketDir } from './postgres-socket-dir.ts';
import { supervisePostgres } from './postgres-supervisor.ts';
import { endSurvivors } from './postgres-survivors.ts';

export interface EmbeddedPostgres {
  /** The URL of the database `swiftor`, for pg and libpq: postgresql://...?host=SOCKET_DIRECTORY */
  readonly url: string;
  /** Stops PostgreSQL: cleanly within 10 s, or else by force, from which it recovers. May be called twice. */
  stop(): Promise<void>;
}

export interface EmbeddedPostgresOptions {
  /** The cluster, its lock and a link to its socket are in the subdirectory `postgres`. */
  readonly dataDir: string;
  readonly log: Log;
  /** Aborts the start and stops what it started. Has no effect afterwards. */
  readonly signal: AbortSignal;
  /** Settings of PostgreSQL in place of ours, for benches. */
  readonly settings?: Readonly<Record<string, string>>;
}

const DATABASE = 'swiftor';
/** A large cluster that was killed first replays its log. */
const READY_MS = 60_000;
/** The kernel takes a moment to free the memory and pids of a killed cluster. */
const RETRY_FOR_MS = 15_000;
const STILL_HELD = /lock file ".*" already exists|pre-existing shared memory block/;

/**
 * Starts PostgreSQL on `dataDir`/postgres, on a Unix socket only. Creates the directory if needed, and first removes
 * the processes and files that an earlier run left. PostgreSQL is restarted if it ends unexpectedly, and ends with this
 * process, even if that is killed. Rejects if another process uses the directory, and with the last output of
 * PostgreSQL if it does not start.
 */
export async function startEmbeddedPostgres({
  dataDir,
  log,
  signal,
  settings = {},
}: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  signal.throwIfAborted();
  await using undo = new AsyncDisposableStack();
  await mkdir(path.join(dataDir, 'postgres'), { recursive: true, mode: 0o700 });
  // Without links, because processes are recognized by the working directory that the kernel reports.
  const folder = await realpath(path.join(dataDir, 'postgres'));
  const lock = await acquireDataDirLock(folder);
  undo.defer(() => lock.release());

  const cluster = path.join(folder, 'cluster');
  const account = await choosePostgresAccount(await findClusterOwner(cluster));
  const binaries = await locatePostgresBinaries(account, folder);
  await endSurvivors(cluster, log, signal);
  await ensureCluster(cluster, binaries, account, signal);
  const socketDir = await createSocketDir(folder, account);
  undo.defer(() => removeSocketDir(folder));

  const options = { program: binaries.postgres, cluster, socketDir, account, log, readyMs: READY_MS, settings };
  const server = await startWithRetries(options, signal);
  undo.defer(() => server.stop());
  await ensureDatabase(socketDir);
  signal.throwIfAborted();

  const running = undo.move();
  const stopServer = supervisePostgres(server, {
    log,
    async start(ending) {
      await endSurvivors(cluster, log, ending);
      return startWithRetries(options, ending);
    },
  });
  running.defer(stopServer);
  let stopped: Promise<void> | undefined;
  return { url: socketUrl(socketDir, DATABASE), stop: () => (stopped ??= running.disposeAsync()) };
}

/** The URL of the PostgreSQL that a gateway runs on `dataDir`. Undefined if none is running. */
export async function findEmbeddedPostgres(dataDir: string): Promise<string | undefined> {
  const socketDir = await realpath(path.join(dataDir, 'postgres', 'socket')).catch(() => undefined);
  if (socketDir === undefined) return undefined;
  const client = new pg.Client({ connectionString: socketUrl(socketDir, DATABASE), connectionTimeoutMillis: 10_000 });
  client.on('error', () => {});
  // The socket of a killed gateway may remain, but does not answer.
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
      options.log.warn({ err: error }, 'an earlier run still holds the database; retrying');
      await delay(250, undefined, { signal });
      await endSurvivors(options.cluster, options.log, signal);
    }
  }
}

async function ensureDatabase(socketDir: string): Promise<void> {
  const client = new pg.Client({
    connectionString: socketUrl(socketDir, 'postgres'),
    connectionTimeoutMillis: 10_000,
    query_timeout: 30_000,
  });
  // A lost connection rejects the pending query. Without a listener it would also end the process.
  client.on('error', () => {});
  await client.connect();
  try {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [DATABASE]);
    if (rowCount === 0) await client.query(`create database ${DATABASE}`);
  } finally {
    await client.end();
  }
}

/** Sets everything that the environment (PGPORT, PGSSLMODE) could override. */
function socketUrl(socketDir: string, database: string): string {
  return `postgresql://swiftor@localhost:5432/${database}?host=${encodeURIComponent(socketDir)}&sslmode=disable`;
}
