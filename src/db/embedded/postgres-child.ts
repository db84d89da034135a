import { spawn, type ChildProcess } from 'node:child_process';
import { open } from 'node:fs/promises';
import type { PostgresAccount } from './postgres-account.ts';

/** A running PostgreSQL program. */
export interface PostgresChild {
  /** Undefined if it did not start; `ended` then has the reason. */
  readonly pid: number | undefined;
  /** Resolves with the outcome, such as 'exit code 1'. Never rejects. */
  readonly ended: Promise<string>;
  /** The end of its standard error. */
  readonly lastOutput: () => string;
  /** Sends a signal to its process group, unless it has ended. */
  readonly kill: (signal: NodeJS.Signals) => void;
}

const LAST_OUTPUT_LENGTH = 4000;

/**
 * Starts initdb or postgres on a cluster.
 *
 * It runs in its own session, because Ctrl-C in a terminal must reach the gateway only, which stops it in order. Its
 * environment is minimal: variables such as PGDATA and PGPORT would change its behaviour.
 *
 * Another user may own the cluster but be unable to enter its parents, such as /root. The program then receives the
 * directory as an open file and uses /proc/self/fd.
 * @param onLine called with each line of its standard error.
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
  return {
    pid: child.pid,
    ended: outcomeOf(child),
    lastOutput: listen(child, onLine),
    kill: (signal) => killGroup(child, signal),
  };
}

/** initdb shares a group with its child processes. A postmaster's backends have groups of their own. */
function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // It has just ended, and `ended` resolves.
  }
}

function outcomeOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    // Not 'close': a backend that outlives its postmaster keeps the pipe open for a moment.
    child.once('exit', (code, signal) => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`));
  });
}

function listen(child: ChildProcess, onLine: (line: string) => void): () => string {
  let output = '';
  let rest = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    output = (output + text).slice(-LAST_OUTPUT_LENGTH);
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  });
  return () => output.trim();
}
