import { chown, mkdtemp, open, readFile, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { PostgresAccount } from './postgres-account.ts';
import type { PostgresBinaries } from './postgres-binaries.ts';
import { startOnCluster } from './postgres-child.ts';

const UNFINISHED = 'initdb-';
const INITDB_MS = 120_000;
const INITDB_ARGS = [
  '--username=swiftor',
  // The mode of the socket's directory controls access; nothing listens on TCP.
  '--auth-local=trust',
  '--auth-host=reject',
  '--encoding=UTF8',
  '--locale=C',
  // PostgreSQL's own provider sorts the same on every machine, independent of the C library.
  '--locale-provider=builtin',
  '--builtin-locale=C.UTF-8',
  '--no-instructions',
];

/** The owner of the cluster. Undefined if it does not exist. */
export async function findClusterOwner(cluster: string): Promise<PostgresAccount | undefined> {
  const found = await stat(cluster).catch(() => undefined);
  return found === undefined ? undefined : { uid: found.uid, gid: found.gid };
}

/**
 * Creates the cluster (PGDATA) if it does not exist. initdb runs in a temporary directory, which is renamed when it is
 * complete and synced: a killed initdb leaves no partial database, and its leftovers are removed here. Rejects if the
 * cluster has another major version than the programs.
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
  throw new Error(`${cluster} is from PostgreSQL ${major}, but the installed version is ${binaries.major}. ${wayOut}`);
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
  if (outcome !== 'exit code 0') throw new Error(initdbFailure(binaries, outcome, initdb.lastOutput()));
}

function initdbFailure({ initdb }: PostgresBinaries, outcome: string, output: string): string {
  const detail = output === '' ? '' : `: ${output}`;
  if (!output.includes('could not look up effective user ID')) return `${initdb} failed with ${outcome}${detail}`;
  return `${initdb} failed${detail}. Add this user to /etc/passwd, run as another user, or set DATABASE_URL.`;
}
