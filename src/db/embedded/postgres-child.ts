import { spawn, type ChildProcess } from 'node:child_process';
import { open } from 'node:fs/promises';
import type { PostgresAccount } from './postgres-account.ts';

/** A program of PostgreSQL at work on a cluster. */
export interface PostgresChild {
  /** Absent when it could not be started; `ended` then says why. */
  readonly pid: number | undefined;
  /** Resolves, never rejects, with how it ended: 'exit code 1'. */
  readonly ended: Promise<string>;
  /** What it last wrote to its standard error. */
  readonly lastWords: () => string;
  /** Signals it and what it started in its group; nothing where it has ended. */
  readonly kill: (signal: NodeJS.Signals) => void;
}

const LAST_WORDS_LENGTH = 4000;

/**
 * Starts initdb or postgres on a cluster.
 *
 * It gets a session of its own: Ctrl-C in a terminal is for us, who shut it down in order. Its environment is bare, for
 * PGDATA, PGPORT and the like would change what it does.
 *
 * As another user than ours it may be unable to walk to the directory (/root, or any home, is closed to it), though the
 * directory is its own. It then gets it as an open file and reaches it by /proc/self/fd.
 * @param onLine called with each whole line of its standard error.
 */
export async function startOnCluster(
  program: string,
  cluster: string,
  args: readonly string[],
  account: PostgresAccount | undefined,
  onLine: (line: string) => void = () => {},
): Promise<PostgresChild> {
  await using folder = await open(cluster, 'r');
  const byDescriptor = account !== undefined && process.platform === 'linux';
  const child = spawn(program, ['-D', byDescriptor ? '/proc/self/fd/3' : cluster, ...args], {
    ...account,
    cwd: '/',
    detached: true,
    env: { PATH: process.env['PATH'], LC_ALL: 'C' },
    stdio: ['ignore', 'ignore', 'pipe', ...(byDescriptor ? [folder.fd] : [])],
  });
  return { pid: child.pid, ended: howItEnds(child), lastWords: listen(child, onLine), kill: (signal) => killGroup(child, signal) };
}

/** initdb and the processes that it runs are one group; a postmaster is alone in its own, its backends lead theirs. */
function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // It ended at this moment; `ended` tells.
  }
}

function howItEnds(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    // Not 'close': a backend that outlives its postmaster for a moment keeps the pipe open.
    child.once('exit', (code, signal) => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`));
  });
}

function listen(child: ChildProcess, onLine: (line: string) => void): () => string {
  let words = '';
  let rest = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    words = (words + text).slice(-LAST_WORDS_LENGTH);
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  });
  return () => words.trim();
}
