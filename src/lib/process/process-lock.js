// Plain JavaScript: scripts/prepare.js runs it on a Node that cannot load TypeScript.
import { mkdir, readdir, readlink, symlink, unlink } from 'node:fs/promises';
import path from 'node:path';
import { pidExists, processIdentity } from './process-identity.js';

/**
 * @typedef {object} ProcessLock
 * @property {() => Promise<void>} release Frees the lock. May be called twice.
 */

/** A living process has the lock. */
export class LockHeldError extends Error {
  /** @override */
  name = 'LockHeldError';

  /** @param {string} pid */
  constructor(pid) {
    super(`The lock is held by process ${pid}.`);
    this.pid = pid;
  }
}

const RELEASED = 'released';

/**
 * Makes this process the only owner of the lock `folder`, and creates the folder if needed. Takes over the lock of a
 * killed owner, even if another process has its pid now. Rejects with a LockHeldError while a living process holds it.
 *
 * The lock is a directory of numbered symbolic links whose targets name their owners. Creating a link is atomic and
 * fails if the number exists. The highest number holds the lock. Its successor creates number + 1 before it removes the
 * old link: numbers never fall, and of two processes that find the same dead owner exactly one wins.
 *
 * @param {string} folder
 * @returns {Promise<ProcessLock>}
 */
export async function acquireProcessLock(folder) {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const self = `${process.pid} ${(await processIdentity(process.pid)) ?? 'unknown'}`;

  for (;;) {
    const highest = Math.max(0, ...(await heldNumbers(folder)));
    const owner = await readOwner(folder, highest);
    if (await isAlive(owner)) throw new LockHeldError(owner?.split(' ')[0] ?? 'unknown');

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

/**
 * @param {string} folder
 * @param {number} mine
 * @param {string} self
 */
async function release(folder, mine, self) {
  if ((await readOwner(folder, mine)) !== self) return;
  // Create the successor first: otherwise a late contender could take a number below a held one.
  await tryHold(folder, mine + 1, RELEASED);
  await drop(folder, mine);
}

/** @param {string} folder */
async function heldNumbers(folder) {
  return (await readdir(folder)).filter((name) => /^[0-9]+$/.test(name)).map(Number);
}

/**
 * @param {string} folder
 * @param {number} number
 */
async function readOwner(folder, number) {
  try {
    return await readlink(path.join(folder, String(number)));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * @param {string} folder
 * @param {number} number
 * @param {string} owner
 */
async function tryHold(folder, number, owner) {
  try {
    await symlink(owner, path.join(folder, String(number)));
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/**
 * @param {string} folder
 * @param {number} number
 */
async function drop(folder, number) {
  await unlink(path.join(folder, String(number))).catch((/** @type {unknown} */ error) => {
    if (codeOf(error) !== 'ENOENT') throw error;
  });
}

/** @param {string | undefined} owner */
async function isAlive(owner) {
  if (owner === undefined || owner === RELEASED) return false;
  const [pid, started] = owner.split(' ');
  const now = await processIdentity(Number(pid));
  if (now !== undefined) return now === started;
  // Without /proc only the pid is known; with it, no identity means that the process is gone or a zombie.
  return started === 'unknown' && pidExists(Number(pid));
}

/** @param {unknown} error */
function codeOf(error) {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}
