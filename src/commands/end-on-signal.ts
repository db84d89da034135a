import type { Log } from '../log.ts';

/** Within this time, a second signal is a duplicate: terminal and npm both send one for the same Ctrl-C. */
const DUPLICATE_SIGNAL_MS = 1_000;
const DRAIN_DEADLINE_MS = 10_000;

/**
 * Aborts at the first signal. Exits the process at the deadline, or at a second signal. `onHangup` is called at a
 * SIGHUP instead.
 */
export function endOnSignal(log: Log, onHangup?: () => void): AbortSignal {
  const ending = new AbortController();
  let first: number | undefined;
  const end = (name: NodeJS.Signals): void => {
    if (first === undefined) {
      first = Date.now();
      log.info({ signal: name }, 'shutting down: draining requests and reconciliations');
      setTimeout(() => process.exit(1), DRAIN_DEADLINE_MS).unref();
      ending.abort();
    } else if (Date.now() - first > DUPLICATE_SIGNAL_MS) process.exit(1);
  };
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, end);
  process.on('SIGHUP', onHangup ?? end);
  return ending.signal;
}
