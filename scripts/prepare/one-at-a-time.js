import { mkdirSync, readFileSync, readdirSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { inProject } from './project.js';
import { PrepareFailure, say } from './report.js';

const WAIT_SECONDS = 900;

/**
 * Runs `work` while nobody else in this project works at the same (`what`): two at once would tear node_modules from under each
 * other. The lock is the one of src/lib/data-dir-lock.ts, which explains it, written again because this runs on a Node that cannot
 * load that.
 */
export async function oneAtATime(work, what = 'prepare') {
  const folder = inProject('.runtime', `${what}.lock`);
  const mine = await acquire(folder, what);
  try {
    return await work();
  } finally {
    tryHold(folder, mine + 1, 'released');
    rmSync(path.join(folder, String(mine)), { force: true });
  }
}

async function acquire(folder, what) {
  mkdirSync(folder, { recursive: true });
  const self = `${process.pid} ${startOf(process.pid) ?? 'unknown'}`;
  const deadline = Date.now() + WAIT_SECONDS * 1000;
  let told = false;
  for (;;) {
    const highest = Math.max(0, ...heldNumbers(folder));
    const owner = readOwner(folder, highest);
    if (!isAlive(owner)) {
      if (!tryHold(folder, highest + 1, self)) continue;
      const numbers = heldNumbers(folder);
      const lost = Math.max(...numbers) > highest + 1;
      for (const number of lost ? [highest + 1] : numbers.filter((each) => each <= highest))
        rmSync(path.join(folder, String(number)), { force: true });
      if (lost) continue;
      return highest + 1;
    }
    const [pid] = owner.split(' ');
    if (!told) say(`another ${what} (process ${pid}) is at work here; waiting for it`);
    told = true;
    if (Date.now() > deadline)
      throw new PrepareFailure(`Process ${pid} is still at work (${what}) after ${WAIT_SECONDS} s. Stop it, then run this again.`);
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}

function heldNumbers(folder) {
  return readdirSync(folder)
    .filter((name) => /^[0-9]+$/.test(name))
    .map(Number);
}

function readOwner(folder, number) {
  try {
    return readlinkSync(path.join(folder, String(number)));
  } catch {
    return undefined;
  }
}

function tryHold(folder, number, owner) {
  try {
    symlinkSync(owner, path.join(folder, String(number)));
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

function isAlive(owner) {
  if (owner === undefined || owner === 'released') return false;
  const [pid, start] = owner.split(' ');
  if (start !== 'unknown') return startOf(pid) === start;
  try {
    process.kill(Number(pid), 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Boot and time of a process's start, which no other with its pid shares; undefined without /proc. */
function startOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' ? undefined : `${fields[18]}@${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}`;
  } catch {
    return undefined;
  }
}
