import { execFile } from 'node:child_process';
import { readFile, readdir, readlink, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { pidExists } from '../../lib/process/process-identity.js';
import type { Log } from '../../log.ts';

/** How long a signal may take to end the processes before the next, harder one is sent. */
const SIGNAL_TIMEOUT_MS = 10_000;

/**
 * Ends the processes of an earlier run that still use the cluster, after a kill of the gateway or the postmaster. Shuts
 * a running postmaster down cleanly, because it has no supervisor any more, and waits for the backends of a dead one.
 * The caller holds the lock of the data directory, so no process found here has an owner.
 *
 * Removes a postmaster.pid whose pid now belongs to an unrelated process (usual after the restart of a container), with
 * which PostgreSQL would refuse to start.
 * @param cluster the absolute path of PGDATA, without symbolic links.
 */
export async function endSurvivors(cluster: string, log: Log, signal: AbortSignal): Promise<void> {
  const postmaster = await readPostmasterPid(cluster);
  if (postmaster !== undefined && (await usesCluster(postmaster, cluster))) {
    log.warn({ pid: postmaster }, 'stopping a PostgreSQL of an earlier run that still uses this data directory');
    if (!(await end(() => only(postmaster, cluster), ['SIGINT', 'SIGQUIT', 'SIGKILL'], signal))) {
      throw new Error(`PostgreSQL of an earlier run, process ${postmaster}, does not end. Kill it, then start again.`);
    }
  }
  // Backends of a killed postmaster exit when they notice. A stuck one would write to the new server's cluster.
  const left = () => processesOf(cluster);
  if (!(await end(left, [undefined, 'SIGQUIT', 'SIGKILL'], signal))) {
    throw new Error(
      `Processes ${(await left()).join(', ')} still use ${cluster} and do not end. Kill them, then start again.`,
    );
  }
  const remaining = await readPostmasterPid(cluster);
  if (remaining !== undefined && pidExists(remaining)) {
    log.warn({ pid: remaining }, 'removing a postmaster.pid that names a process other than PostgreSQL');
    await rm(path.join(cluster, 'postmaster.pid'), { force: true });
  }
}

async function readPostmasterPid(cluster: string): Promise<number | undefined> {
  const text = await readFile(path.join(cluster, 'postmaster.pid'), 'utf8').catch(() => '');
  const pid = Number(text.split('\n')[0]);
  return Number.isInteger(pid) && pid > 0 ? pid : undefined;
}

/** Sends each signal in turn, or only waits for undefined, until `find` finds nothing. False if processes remain. */
async function end(
  find: () => Promise<number[]>,
  signals: readonly (NodeJS.Signals | undefined)[],
  abort: AbortSignal,
): Promise<boolean> {
  for (const name of signals) {
    if (name !== undefined) for (const pid of await find()) trySignal(pid, name);
    const deadline = Date.now() + SIGNAL_TIMEOUT_MS;
    while (Date.now() < deadline) {
      if ((await find()).length === 0) return true;
      await delay(50, undefined, { signal: abort });
    }
  }
  return (await find()).length === 0;
}

function trySignal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended already; `find` checks that.
  }
}

async function only(pid: number, cluster: string): Promise<number[]> {
  return (await usesCluster(pid, cluster)) ? [pid] : [];
}

/** The processes whose working directory is the cluster, as for all of PostgreSQL's. Empty without /proc. */
async function processesOf(cluster: string): Promise<number[]> {
  if (process.platform !== 'linux') return [];
  const pids = (await readdir('/proc')).filter((name) => /^[0-9]+$/.test(name)).map(Number);
  const found = await Promise.all(pids.map(async (pid) => ({ pid, uses: await usesCluster(pid, cluster) })));
  return found.filter(({ uses }) => uses).map(({ pid }) => pid);
}

async function usesCluster(pid: number, cluster: string): Promise<boolean> {
  try {
    if (process.platform !== 'linux') {
      const { stdout } = await promisify(execFile)('ps', ['-p', String(pid), '-o', 'command='], { timeout: 5000 });
      return stdout.includes('postgres') && stdout.includes(cluster);
    }
    if ((await readlink(`/proc/${pid}/cwd`)) !== cluster) return false;
    // A user's shell may have the same working directory.
    return (await readFile(`/proc/${pid}/comm`, 'utf8')).trim() === 'postgres';
  } catch {
    return false;
  }
}
