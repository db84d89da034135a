import { spawn } from 'node:child_process';
import type { PostgresAccount } from './postgres-account.ts';

// A line means that PostgreSQL has ended. The end of the pipe without one means that the gateway was killed.
const SCRIPT = `trap '' INT TERM HUP; read -r line || kill -INT "$1"`;

/**
 * Shuts PostgreSQL down when this process ends for any reason: a shell waits for the end of a pipe that only this
 * process holds. It has its own session, so a signal to the gateway's process group does not reach it.
 * @returns a function that stops the watcher once PostgreSQL has ended.
 */
export function startPostgresWatcher(
  pid: number,
  account: PostgresAccount | undefined,
  onError: (error: Error) => void,
): () => void {
  const shell = spawn('/bin/sh', ['-c', SCRIPT, 'swiftor-postgres-watcher', String(pid)], {
    ...account,
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  shell.once('error', onError);
  // The watcher itself may have been killed.
  shell.stdin.on('error', () => {});
  shell.unref();
  return () => void shell.stdin.end('done\n');
}
