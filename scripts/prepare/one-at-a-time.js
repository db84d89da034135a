import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { inProject } from './project.js';
import { PrepareFailure, say } from './report.js';

const LOCK = inProject('.runtime/prepare.lock');
const WAIT_SECONDS = 900;

/** Runs `work` while no other prepare of this project works: two at once would tear node_modules from under each other. */
export async function oneAtATime(work) {
  await acquire();
  try {
    return await work();
  } finally {
    rmSync(LOCK, { force: true });
  }
}

async function acquire() {
  mkdirSync(path.dirname(LOCK), { recursive: true });
  const deadline = Date.now() + WAIT_SECONDS * 1000;
  let told = false;
  while (!tryAcquire()) {
    const owner = readOwner();
    if (owner !== undefined && !isAlive(owner)) {
      rmSync(LOCK, { force: true });
      continue;
    }
    if (!told) say(`another prepare (pid ${owner ?? 'unknown'}) is at work here; waiting for it`);
    told = true;
    if (Date.now() > deadline) throw new PrepareFailure(`pid ${owner} still prepares after ${WAIT_SECONDS} s. If it does not, remove ${LOCK}.`);
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}

function tryAcquire() {
  try {
    writeFileSync(LOCK, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

function readOwner() {
  try {
    return Number(readFileSync(LOCK, 'utf8')) || undefined;
  } catch {
    return undefined;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
