import { execFile } from 'node:child_process';
import { readFile, readdir, readlink, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { pidExists } from '../../lib/process-identity.js';
import type { Log } from '../../log.ts';

/** How long a signal may take to end a cluster's last process before the next, harder one is sent. */
const PATIENCE_MS = 10_000;

/**
 * Makes sure that no process of an earlier run uses the cluster, as after a kill of the gateway or of the postmaster alone: a
 * postmaster that still serves is shut down cleanly, for the new one is to be watched by us; backends of a dead one are waited
 * for. The caller holds the lock of the data directory: whoever is found here has lost its owner.
 *
 * A postmaster.pid whose pid belongs to a foreign process by now (usual after the restart of a container) is removed, because
 * PostgreSQL would refuse to start for as long as that process lives.
 * @param cluster absolute path of PGDATA, without symbolic links.
 */
export async function clearSurvivors(cluster: string, log: Log, signal: AbortSignal): Promise<void> {
  const postmaster = await readPostmasterPid(cluster);
  if (postmaster !== undefined && (await usesCluster(postmaster, cluster))) {
    log.warn({ pid: postmaster }, 'a PostgreSQL of an earlier run still serves this data directory; it is stopped first');
    if (!(await end(() => only(postmaster, cluster), ['SIGINT', 'SIGQUIT', 'SIGKILL'], signal))) {
      throw new Error(`PostgreSQL of an earlier run, process ${postmaster}, cannot be ended. Kill it, then start again.`);
    }
  }
  // Backends of a killed postmaster notice its death and leave; a stuck one would write beside the new cluster.
  const left = () => processesOf(cluster);
  if (!(await end(left, [undefined, 'SIGQUIT', 'SIGKILL'], signal))) {
    throw new Error(`Processes ${(await left()).join(', ')} still use ${cluster} and cannot be ended. Kill them, then start again.`);
  }
  const remaining = await readPostmasterPid(cluster);
  if (remaining !== undefined && pidExists(remaining)) {
    log.warn({ pid: remaining }, 'postmaster.pid names a process that is not PostgreSQL; the file is removed');
    await rm(path.join(cluster, 'postmaster.pid'), { force: true });
  }
}

async function readPostmasterPid(cluster: string): Promise<number | undefined> {
  const text = await readFile(path.join(cluster, 'postmaster.pid'), 'utf8').catch(() => '');
  const pid = Number(text.split('\n')[0]);
  return Number.isInteger(pid) && pid > 0 ? pid : undefined;
}

/** Sends each signal in turn and waits until `find` finds nobody; undefined stands for waiting only. False when all were in vain. */
async function end(find: () => Promise<number[]>, signals: readonly (NodeJS.Signals | undefined)[], abort: AbortSignal): Promise<boolean> {
  for (const name of signals) {
    if (name !== undefined) for (const pid of await find()) trySignal(pid, name);
    const deadline = Date.now() + PATIENCE_MS;
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
    // It ended by itself; whether it did is asked of `find`.
  }
}

async function only(pid: number, cluster: string): Promise<number[]> {
  return (await usesCluster(pid, cluster)) ? [pid] : [];
}

/** Every process of a cluster works in its directory. Without /proc nothing but the postmaster itself can be found. */
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
    // A person's shell may stand in the directory as well.
    return (await readFile(`/proc/${pid}/comm`, 'utf8')).trim() === 'postgres';
  } catch {
    return false;
  }
}
