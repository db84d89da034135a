import { setTimeout as sleep } from 'node:timers/promises';
import { acquireProcessLock, LockHeldError } from '../../src/lib/process/process-lock.js';
import { inProject } from './project.js';
import { PrepareFailure, say } from './report.js';

const WAIT_SECONDS = 900;
const LOOK_MS = 300;

/**
 * Runs `work` while no other process of this project does the same (`what`): two at once would tear node_modules from
 * under each other.
 *
 * @template T
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function oneAtATime(work, what = 'prepare') {
  const lock = await acquire(inProject('.runtime', `${what}.lock`), what);
  try {
    return await work();
  } finally {
    await lock.release();
  }
}

/**
 * @param {string} folder
 * @param {string} what
 */
async function acquire(folder, what) {
  const deadline = Date.now() + WAIT_SECONDS * 1000;
  for (let isFirst = true; ; isFirst = false) {
    try {
      return await acquireProcessLock(folder);
    } catch (error) {
      if (!(error instanceof LockHeldError)) throw error;
      if (isFirst) say(`another ${what} (process ${error.pid}) is at work here; waiting for it`);
      if (Date.now() > deadline)
        throw new PrepareFailure(
          `Process ${error.pid} is still at work (${what}) after ${WAIT_SECONDS} s. Stop it, then run this again.`,
        );
      await sleep(LOOK_MS);
    }
  }
}
