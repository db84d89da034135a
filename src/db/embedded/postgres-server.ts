import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../../log.ts';
import type { PostgresAccount } from './postgres-account.ts';
import { startOnCluster, type PostgresChild } from './postgres-child.ts';
import { startPostgresWatcher } from './postgres-watcher.ts';

/** A running postmaster. */
export interface PostgresServer {
  /** Resolves with the outcome when it ends for any reason. */
  readonly ended: Promise<string>;
  readonly lastOutput: () => string;
  /** Stops the server cleanly or, after a timeout, by force, from which PostgreSQL recovers. */
  readonly stop: () => Promise<void>;
}

export interface PostgresServerOptions {
  readonly program: string;
  readonly cluster: string;
  readonly socketDir: string;
  readonly account: PostgresAccount | undefined;
  readonly log: Log;
  /** The deadline of the start, recovery after a crash included. */
  readonly readyMs: number;
  /** In place of ours. */
  readonly settings: Readonly<Record<string, string>>;
}

/** Fast shutdown, immediate shutdown, kill; each with the time in ms until the next one. */
const STOP_SIGNALS = [
  ['SIGINT', 10_000],
  ['SIGQUIT', 5_000],
  ['SIGKILL', 5_000],
] as const;

/** For a small control plane that shares its machine: little memory, few processes, no loss of commits. */
const SETTINGS = {
  listen_addresses: '',
  unix_socket_permissions: '0700',
  max_connections: '50',
  shared_buffers: '32MB',
  fsync: 'on',
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_wal_size: '256MB',
  max_worker_processes: '2',
  autovacuum_max_workers: '1',
  io_method: 'sync',
  jit: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
  // Clients receive the errors of their statements, so the server need not log them too.
  log_min_messages: 'log',
  log_checkpoints: 'off',
  // The SQLSTATE.
  log_line_prefix: '%e ',
  logging_collector: 'off',
  log_destination: 'stderr',
};

/**
 * Starts postgres and resolves when it accepts connections. If it is late, or if `signal` aborts, it is stopped before
 * the promise rejects. The message has its last output.
 */
export async function startPostgresServer(
  options: PostgresServerOptions,
  signal: AbortSignal,
): Promise<PostgresServer> {
  const { program, cluster, socketDir, account, log, readyMs } = options;
  const given = { ...SETTINGS, ...options.settings, unix_socket_directories: socketDir };
  const ready = Promise.withResolvers<'ready'>();
  const onLine = (line: string): void => {
    logLine(log, line);
    if (line.includes('database system is ready to accept connections')) ready.resolve('ready');
  };
  const settings = Object.entries(given).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const child = await startOnCluster(program, cluster, settings, account, onLine);
  const stopWatcher =
    child.pid === undefined
      ? () => {}
      : startPostgresWatcher(child.pid, account, (error) =>
          log.warn({ err: error }, 'PostgreSQL would outlive a killed gateway: its watcher did not start'),
        );
  void child.ended.then(stopWatcher);

  const waiting = new AbortController();
  const limit = AbortSignal.any([signal, waiting.signal]);
  const late = delay(readyMs, 'late' as const, { signal: limit }).catch(() => 'aborted' as const);
  const outcome = await Promise.race([ready.promise, child.ended, late]);
  waiting.abort();
  if (outcome === 'ready') return { ended: child.ended, lastOutput: child.lastOutput, stop: () => stopChild(child) };

  await stopChild(child);
  signal.throwIfAborted();
  const how = outcome === 'late' ? `was not ready within ${readyMs / 1000} s` : `ended with ${outcome}`;
  throw new Error(`PostgreSQL ${how} while starting: ${child.lastOutput() || 'it printed nothing.'}`);
}

async function stopChild(child: PostgresChild): Promise<void> {
  for (const [name, timeoutMs] of STOP_SIGNALS) {
    child.kill(name);
    const timer = new AbortController();
    const late = delay(timeoutMs, 'late' as const, { signal: timer.signal }).catch(() => 'ended' as const);
    const outcome = await Promise.race([child.ended.then(() => 'ended' as const), late]);
    timer.abort();
    if (outcome === 'ended') return;
  }
  throw new Error(`PostgreSQL, process ${child.pid}, does not end, even after SIGKILL.`);
}

function logLine(log: Log, line: string): void {
  const [, sqlState = '', severity = ''] = /^(\w{5}) (\w+):/.exec(line) ?? [];
  // Connections that end or are refused while the server ends or starts (class 57P), or that we cut because it did not
  // answer (08006), are part of an outage, which is logged once.
  const isOutage = /^(57P|08006)/.test(sqlState);
  if ((severity === 'FATAL' || severity === 'PANIC') && !isOutage)
    log.error({ postgres: line }, 'PostgreSQL reports an error');
  else if (severity === 'WARNING') log.warn({ postgres: line }, 'PostgreSQL warns');
  else log.debug({ postgres: line }, 'PostgreSQL');
}
