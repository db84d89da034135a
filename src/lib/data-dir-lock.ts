import { mkdir, readdir, readlink, symlink, unlink } from 'node:fs/promises';
import path from 'node:path';
import { pidExists, processIdentity } from './process-identity.ts';

export interface DataDirLock {
  /** Lets the next one in. May be called twice. */
  release(): Promise<void>;
}

const RELEASED = 'released';

/**
 * Makes this process the only owner of `dataDir`, which is created where it is missing. What a killed owner left
 * behind is taken over, also when its pid belongs to another process by now.
 *
 * The lock is a directory of numbered symbolic links whose target names the owner: making one is atomic and fails
 * where the number is taken. The highest number holds; it is succeeded by number + 1 and only then removed, so
 * that numbers never fall and of two who find the same dead owner exactly one wins.
 *
 * Rejects with a sentence that names the directory and the living owner's pid.
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
    // Between our look and our link others may have come, gone and removed this very number: the highest holds.
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
  // First the successor, then the removal: without it a late contender could take a number below one that is held.
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
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function tryHold(folder: string, number: number, owner: string): Promise<boolean> {
  try {
    await symlink(owner, path.join(folder, String(number)));
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

async function drop(folder: string, number: number): Promise<void> {
  await unlink(path.join(folder, String(number))).catch((error: unknown) => {
    if (codeOf(error) !== 'ENOENT') throw error;
  });
}

async function isAlive(owner: string | undefined): Promise<boolean> {
  if (owner === undefined || owner === RELEASED) return false;
  const [pid, started] = owner.split(' ');
  const now = await processIdentity(Number(pid));
  if (now !== undefined) return now === started;
  // Without /proc only the pid is known; with it, no identity means that the process is gone or a zombie.
  return started === 'unknown' && pidExists(Number(pid));
}

function inUse(dataDir: string, owner: string | undefined): string {
  const pid = owner?.split(' ')[0] ?? 'unknown';
  return `The data directory ${path.resolve(dataDir)} is in use by process ${pid}. Stop that process, or give this one another DATA_DIR.`;
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}
