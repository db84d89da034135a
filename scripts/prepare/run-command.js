import { spawn, spawnSync } from 'node:child_process';
import { PrepareFailure, showProgress } from './report.js';

/**
 * @typedef {object} Command
 * @property {string} title What it does, for a person.
 * @property {string} command
 * @property {readonly string[]} args
 * @property {number} deadline In seconds.
 * @property {string} [cwd]
 * @property {Readonly<Record<string, string>>} [env] Added to this process's own.
 */

const FIRST_LINES = 12;
const LAST_LINES = 15;

/**
 * Runs a command with progress and a deadline in seconds. Its output is kept back and shown, its first
 * and last lines, only when it fails. Rejects with a PrepareFailure.
 *
 * @param {Command} command
 * @returns {Promise<void>}
 */
export async function runCommand({ title, command, args, deadline, cwd, env = {} }) {
  const done = showProgress(title);
  const child = spawn(command, [...args], { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const keep = (/** @type {Buffer} */ chunk) => {
    output = shorten(output + chunk.toString());
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);

  let expired = false;
  const timer = setTimeout(() => {
    expired = true;
    child.kill('SIGTERM');
    setTimeout(() => child.kill('SIGKILL'), 10_000).unref();
  }, deadline * 1000);

  /** @type {string | undefined} */
  const problem = await new Promise((resolve) => {
    child.once('error', (/** @type {NodeJS.ErrnoException} */ error) =>
      resolve(error.code === 'ENOENT' ? `there is no "${command}" on this machine` : error.message),
    );
    child.once('close', (code, signal) =>
      resolve(code === 0 ? undefined : `it ended with ${signal ?? `exit code ${code}`}`),
    );
  });
  clearTimeout(timer);
  if (problem === undefined) return done('done');
  done('failed');
  const reason = expired ? `it took longer than ${deadline} s` : problem;
  throw new PrepareFailure(
    `${[command, ...args].join(' ')}: ${reason}.${output.trim() === '' ? '' : `\n${output.trim()}`}`,
  );
}

/** @param {string} text */
function shorten(text) {
  const lines = text.split(/\r?\n/);
  if (lines.length <= FIRST_LINES + LAST_LINES) return text;
  return [...lines.slice(0, FIRST_LINES), ...lines.slice(-LAST_LINES)].join('\n');
}

/**
 * As `runCommand`, with the rights of root. `timeout` ends it, for we may not signal what sudo started.
 *
 * @param {Omit<Command, 'cwd'>} command
 */
export function runAsRoot({ title, command, args, deadline, env = {} }) {
  const assignments = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const whole = ['timeout', '--foreground', '-k', '10', String(deadline), 'env', ...assignments, command, ...args];
  const [first = '', ...rest] = isRoot() ? whole : ['sudo', '-n', ...whole];
  return runCommand({ title, command: first, args: rest, deadline: deadline + 20 });
}

/** True when root's rights can be had without asking anyone. */
export function canBecomeRoot() {
  return isRoot() || spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore', timeout: 10_000 }).status === 0;
}

export function isRoot() {
  return process.getuid?.() === 0;
}
