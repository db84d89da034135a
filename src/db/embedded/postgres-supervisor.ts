import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../../log.ts';
import type { PostgresServer } from './postgres-server.ts';

const BACKOFF_MIN_MS = 100;
const BACKOFF_MAX_MS = 30_000;
/** A server that ran this long is not in a crash loop. */
const SETTLED_MS = 60_000;

interface SupervisorOptions {
  /** Starts PostgreSQL again. */
  readonly start: (signal: AbortSignal) => Promise<PostgresServer>;
  readonly log: Log;
}

/**
 * Restarts PostgreSQL whenever it ends unexpectedly, and retries after 0.1 s at first and up to 30 s later. Returns a
 * function that stops both supervision and server.
 */
export function supervisePostgres(first: PostgresServer, { start, log }: SupervisorOptions): () => Promise<void> {
  const closing = new AbortController();
  const { signal } = closing;
  let server: PostgresServer | undefined = first;
  let attempts = 0;

  const restart = async (): Promise<PostgresServer | undefined> => {
    await delay(Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** attempts), undefined, { signal }).catch(() => undefined);
    attempts += 1;
    if (signal.aborted) return undefined;
    try {
      const started = await start(signal);
      log.info('PostgreSQL was restarted');
      return started;
    } catch (error) {
      if (!signal.aborted) log.error({ err: error }, 'PostgreSQL did not start; retrying');
      return undefined;
    }
  };
  const stopped = new Promise<undefined>((resolve) => signal.addEventListener('abort', () => resolve(undefined)));
  const supervise = async (): Promise<void> => {
    while (!signal.aborted) {
      const startedAt = performance.now();
      const outcome = server && (await Promise.race([server.ended, stopped]));
      if (signal.aborted) return;
      if (outcome !== undefined)
        log.error({ output: server?.lastOutput() }, `PostgreSQL ended unexpectedly with ${outcome}; restarting it`);
      if (performance.now() - startedAt > SETTLED_MS) attempts = 0;
      server = await restart();
    }
  };

  const running = supervise();
  return async () => {
    closing.abort();
    await running;
    await server?.stop();
  };
}
