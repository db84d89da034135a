import { spawn } from 'node:child_process';
import type { PostgresAccount } from './postgres-account.ts';

// A line means that all is done. The end of the pipe without one means that we were killed: then PostgreSQL is told to shut down.
const SCRIPT = `trap '' INT TERM HUP; read -r line || kill -INT "$1"`;

/**
 * Sees to it that PostgreSQL does not outlive this process, however it ends: a shell waits for the end of a pipe
 * that only we hold, in a session of its own so that what kills our group spares it.
 * @returns a function that ends the watch when PostgreSQL is gone.
 */
export function watchOverPostgres(pid: number, account: PostgresAccount | undefined, onError: (error: Error) => void): () => void {
  const shell = spawn('/bin/sh', ['-c', SCRIPT, 'swiftor-postgres-watcher', String(pid)], {
    ...account,
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  shell.once('error', onError);
  // It may have been killed: nothing is lost but the watch.
  shell.stdin.on('error', () => {});
  shell.unref();
  return () => void shell.stdin.end('done\n');
}
