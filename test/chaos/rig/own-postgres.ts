import { execFile } from 'node:child_process';
import { chown, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { choosePostgresAccount } from '../../../src/db/embedded/postgres-account.ts';
import { locatePostgresBinaries } from '../../../src/db/embedded/postgres-binaries.ts';
import { startOnCluster, type PostgresChild } from '../../../src/db/embedded/postgres-child.ts';
import { ensureCluster } from '../../../src/db/embedded/postgres-cluster.ts';
import { startPostgresWatcher } from '../../../src/db/embedded/postgres-watcher.ts';
import { createSocketDir, removeSocketDir } from '../../../src/db/embedded/postgres-socket-dir.ts';
import { eventually } from '../../support/eventually.ts';

const run = promisify(execFile);
const START_MS = 60_000;

/** A PostgreSQL that a fault may do anything to. */
export class OwnPostgres implements AsyncDisposable {
  /** Of the database `postgres`, over the unix socket. */
  readonly url: string;
  readonly #cluster: string;
  readonly #start: () => Promise<PostgresChild>;
  readonly #removeSocket: () => Promise<void>;
  #child: PostgresChild | undefined;

  private constructor(
    cluster: string,
    socketDir: string,
    start: () => Promise<PostgresChild>,
    removeSocket: () => Promise<void>,
  ) {
    this.url = `postgresql://swiftor@localhost:5432/postgres?host=${encodeURIComponent(socketDir)}&sslmode=disable`;
    this.#cluster = cluster;
    this.#start = start;
    this.#removeSocket = removeSocket;
  }

  /** Makes a cluster in `folder` and starts it. */
  static async create(folder: string, signal: AbortSignal): Promise<OwnPostgres> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const account = await choosePostgresAccount(undefined);
    const binaries = await locatePostgresBinaries(account, folder);
    const cluster = path.join(folder, 'cluster');
    await ensureCluster(cluster, binaries, account, signal);
    const socketDir = await createSocketDir(folder, account);
    // What it has written survives its end; only the machine's own end would need more.
    const settings = {
      fsync: 'off',
      listen_addresses: '',
      unix_socket_directories: socketDir,
      shared_buffers: '32MB',
      max_connections: '300',
    };
    const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const start = async () => {
      const child = await startOnCluster(binaries.postgres, cluster, args, account);
      // When this process is killed, as a test that takes too long is.
      if (child.pid !== undefined) void child.ended.then(startPostgresWatcher(child.pid, account, () => undefined));
      return child;
    };
    const postgres = new OwnPostgres(cluster, socketDir, start, () => removeSocketDir(folder));
    await postgres.start();
    return postgres;
  }

  /** Resolves when it answers; what a killed one left is waited for. */
  async start(): Promise<void> {
    const begin = async (): Promise<boolean> => {
      const child = (this.#child ??= await this.#start());
      const answers = await Promise.race([
        child.ended.then(() => false),
        this.query('select 1').then(() => true),
      ]).catch(() => undefined);
      if (answers === true) return true;
      if (answers === false) this.#child = undefined;
      throw new Error(`PostgreSQL does not answer: ${child.lastOutput()}`);
    };
    await eventually(begin, { deadline: START_MS });
  }

  /** Ends the postmaster: SIGINT in order, SIGQUIT at once, SIGKILL as a crash. */
  async end(signal: 'SIGINT' | 'SIGQUIT' | 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (child?.pid === undefined) return;
    const backends = await this.#processes();
    child.kill(signal);
    await child.ended;
    this.#child = undefined;
    await eventually(() => backends.every((pid) => !isAlive(pid)), { deadline: START_MS });
  }

  /** Stops or continues all of its processes. */
  async signalAll(signal: 'SIGSTOP' | 'SIGCONT'): Promise<void> {
    for (const pid of await this.#processes()) {
      try {
        process.kill(pid, signal);
      } catch {
        // A backend that ended at this moment.
      }
    }
  }

  async query<Row extends pg.QueryResultRow>(sql: string, values: readonly unknown[] = []): Promise<Row[]> {
    const client = new pg.Client({ connectionString: this.url, connectionTimeoutMillis: 2_000, query_timeout: 5_000 });
    client.on('error', () => undefined);
    try {
      await client.connect();
      return (await client.query<Row>(sql, [...values])).rows;
    } finally {
      await client.end().catch(() => undefined);
    }
  }

  /** Copies the data directory as it is; a running server's copy is that of a crash. */
  async copyTo(name: string): Promise<void> {
    // Files that go away while they are copied do no harm: recovery is from the log.
    await run('cp', ['-a', this.#cluster, `${this.#cluster}.${name}`]).catch(() => undefined);
    await rm(path.join(`${this.#cluster}.${name}`, 'postmaster.pid'), { force: true });
  }

  /** As pg_basebackup does it, while statements run. */
  async backUp(name: string): Promise<void> {
    const client = new pg.Client({ connectionString: this.url });
    client.on('error', () => undefined);
    await client.connect();
    try {
      await client.query("select pg_backup_start('chaos', true)");
      await this.copyTo(name);
      const { rows } = await client.query<{ labelfile: string }>('select labelfile from pg_backup_stop(false)');
      // The log up to the backup's end belongs to it.
      await run('cp', ['-a', path.join(this.#cluster, 'pg_wal'), `${this.#cluster}.${name}`]);
      const label = path.join(`${this.#cluster}.${name}`, 'backup_label');
      await writeFile(label, rows[0]?.labelfile ?? '');
      const { uid, gid } = await stat(this.#cluster);
      await chown(label, uid, gid);
    } finally {
      await client.end();
    }
  }

  /** Puts a copy in the place of the data directory; the server must have ended. */
  async restoreFrom(name: string): Promise<void> {
    await rm(this.#cluster, { recursive: true });
    await run('cp', ['-a', `${this.#cluster}.${name}`, this.#cluster]);
    await rm(`${this.#cluster}.${name}`, { recursive: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.signalAll('SIGCONT');
    await this.end('SIGQUIT');
    await this.#removeSocket();
  }

  /** The postmaster and its children. */
  async #processes(): Promise<number[]> {
    const postmaster = this.#child?.pid;
    if (postmaster === undefined) return [];
    const children = await readFile(`/proc/${postmaster}/task/${postmaster}/children`, 'utf8').catch(() => '');
    return [postmaster, ...children.split(' ').filter(Boolean).map(Number)];
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
