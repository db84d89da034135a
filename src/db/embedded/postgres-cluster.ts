import { chown, mkdtemp, open, readFile, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { PostgresAccount } from './postgres-account.ts';
import type { PostgresBinaries } from './postgres-binaries.ts';
import { startOnCluster } from './postgres-child.ts';

const UNFINISHED = 'initdb-';
const INITDB_MS = 120_000;
const INITDB_ARGS = [
  '--username=swiftor',
  // Who reaches the socket is settled by its directory's mode; nothing listens on TCP.
  '--auth-local=trust',
  '--auth-host=reject',
  '--encoding=UTF8',
  '--locale=C',
  // PostgreSQL's own: sorts the same on every machine, whatever its C library.
  '--locale-provider=builtin',
  '--builtin-locale=C.UTF-8',
  '--no-instructions',
];

/** Who owns the cluster at `cluster`; undefined when there is none yet. */
export async function findClusterOwner(cluster: string): Promise<PostgresAccount | undefined> {
  const found = await stat(cluster).catch(() => undefined);
  return found === undefined ? undefined : { uid: found.uid, gid: found.gid };
}

/**
 * Makes the cluster (PGDATA) where there is none. It is made beside its place and renamed when it is whole and on the disk, so that a
 * killed initdb leaves nothing that looks like a database; what it does leave is removed here.
 * Rejects where the cluster is of another major version than the programs.
 */
export async function ensureCluster(
  cluster: string,
  binaries: PostgresBinaries,
  account: PostgresAccount | undefined,
  signal: AbortSignal,
): Promise<void> {
  const folder = path.dirname(cluster);
  const leftovers = (await readdir(folder)).filter((name) => name.startsWith(UNFINISHED));
  await Promise.all(leftovers.map((name) => rm(path.join(folder, name), { recursive: true, force: true })));
  if ((await findClusterOwner(cluster)) === undefined) await createCluster(cluster, binaries, account, signal);

  const major = (await readFile(path.join(cluster, 'PG_VERSION'), 'utf8')).trim();
  if (major === binaries.major) return;
  const wayOut = `Dump it with PostgreSQL ${major} and restore it into a new DATA_DIR, or set DATABASE_URL.`;
  throw new Error(`${cluster} was made by PostgreSQL ${major}, and the programs here are version ${binaries.major}. ${wayOut}`);
}

async function createCluster(
  cluster: string,
  binaries: PostgresBinaries,
  account: PostgresAccount | undefined,
  signal: AbortSignal,
): Promise<void> {
  const folder = path.dirname(cluster);
  const unfinished = await mkdtemp(path.join(folder, UNFINISHED));
  try {
    if (account !== undefined) await chown(unfinished, account.uid, account.gid);
    await runInitdb(unfinished, binaries, account, signal);
    await rename(unfinished, cluster);
    await using handle = await open(folder, 'r');
    await handle.sync();
  } finally {
    await rm(unfinished, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function runInitdb(
  folder: string,
  binaries: PostgresBinaries,
  account: PostgresAccount | undefined,
  signal: AbortSignal,
): Promise<void> {
  const initdb = await startOnCluster(binaries.initdb, folder, INITDB_ARGS, account);
  const limit = AbortSignal.any([signal, AbortSignal.timeout(INITDB_MS)]);
  const kill = () => initdb.kill('SIGKILL');
  limit.addEventListener('abort', kill, { once: true });
  if (limit.aborted) kill();
  const outcome = await initdb.ended;
  limit.removeEventListener('abort', kill);
  limit.throwIfAborted();
  if (outcome !== 'exit code 0') throw new Error(initdbFailure(binaries, outcome, initdb.lastWords()));
}

function initdbFailure({ initdb }: PostgresBinaries, outcome: string, words: string): string {
  const said = words === '' ? '' : `: ${words}`;
  if (!words.includes('could not look up effective user ID')) return `${initdb} failed with ${outcome}${said}`;
  return `${initdb} failed${said}. Add this user to /etc/passwd, run as one who is in it, or set DATABASE_URL.`;
}
