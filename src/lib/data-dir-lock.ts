import { mkdir, readdir, readlink, symlink, unlink } from 'node:fs/promises';
import path from 'node:path';
import { errorCode } from './error-code.ts';
import { pidExists, processIdentity } from './process-identity.ts';

export interface DataDirLock {
  /** Frees the lock. May be called twice. */
  release(): Promise<void>;
}

const RELEASED = 'released';

/**
 * Makes this process the only owner of `dataDir`, and creates the directory if needed. Takes over the lock of a killed
 * owner, even if another process has its pid now. Rejects with the directory and the pid of a living owner.
 *
 * The lock is a directory of numbered symbolic links whose targets name their owners. Creating a link is atomic and
 * fails if the number exists. The highest number holds the lock. Its successor creates number + 1 before it removes the
 * old link: numbers never fall, and of two processes that find the same dead owner exactly one wins.
 */
export async function acquireDataDirLock(dataDir: string): Promise<DataDirLock> {
  const folder = path.join(dataDir, 'lock');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const self = `${process.pid} ${(await processIdentity(process.pid)) ?? 'unknown'}`;

  for (;;) {
    const highest = Math.max(0, ...(await heldNumbers(folder)));
    const owner = await readOwner(folder, highest);
    if (await isAlive(owner)) throw new Error(inUse(dataDir, owner));

    const mine = highest + 1;
    if (!(await tryHold(folder, mine, self))) continue;
    const numbers = await heldNumbers(folder);
    // Others may have held and released this number since it was read: the highest number holds the lock.
    if (Math.max(...numbers) > mine) {
      await drop(folder, mine);
      continue;
    }
    await Promise.all(numbers.filter((number) => number < mine).map((number) => drop(folder, number)));
    return { release: () => release(folder, mine, self) };
  }
}

async function release(folder: string, mine: number, self: string): Promise<void> {
  if ((await readOwner(folder, mine)) !== self) return;
  // Create the successor first: otherwise a late contender could take a number below a held one.
  await tryHold(folder, mine + 1, RELEASED);
  await drop(folder, mine);
}

async function heldNumbers(folder: string): Promise<number[]> {
  return (await readdir(folder)).filter((name) => /^[0-9]+$/.test(name)).map(Number);
}

async function readOwner(folder: string, number: number): Promise<string | undefined> {
  try {
    return await readlink(path.join(folder, String(number)));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function tryHold(folder: string, number: number, owner: string): Promise<boolean> {
  try {
    await symlink(owner, path.join(folder, String(number)));
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

async function drop(folder: string, number: number): Promise<void> {
  await unlink(path.join(folder, String(number))).catch((error: unknown) => {
    if (errorCode(error) !== 'ENOENT') throw error;
  });
}

async function isAlive(owner: string | undefined): Promise<boolean> {
  if (owner === undefined || owner === RELEASED) return false;
  const [pid, started] = owner.split(' ');
  const now = await processIdentity(Number(pid));
  if (now !== undefined) return now === started;
  // Without /proc only the pid can be compared. With it, a missing identity means that the process is gone or a zombie.
  return started === 'unknown' && pidExists(Number(pid));
}

function inUse(dataDir: string, owner: string | undefined): string {
  const pid = owner?.split(' ')[0] ?? 'unknown';
  return `The data directory ${path.resolve(dataDir)} is in use by process ${pid}. Stop that process, or give this one another DATA_DIR.`;
}
