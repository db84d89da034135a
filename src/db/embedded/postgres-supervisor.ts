import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../../log.ts';
import type { PostgresServer } from './postgres-server.ts';

const BACKOFF_MIN_MS = 100;
const BACKOFF_MAX_MS = 30_000;
/** One that has run for as long is not in a crash loop. */
const SETTLED_MS = 60_000;

interface SupervisorOptions {
  /** Starts PostgreSQL anew. */
  readonly start: (signal: AbortSignal) => Promise<PostgresServer>;
  readonly log: Log;
}

/**
 * Starts PostgreSQL again whenever it ends without having been asked to, for as long as it takes: after 0.1 s at first, later
 * after up to 30 s. Returns what stops it for good.
 */
export function supervisePostgres(first: PostgresServer, { start, log }: SupervisorOptions): () => Promise<void> {
  const closing = new AbortController();
  const { signal } = closing;
  let server: PostgresServer | undefined = first;
  let attempts = 0;

  const startAgain = async (): Promise<PostgresServer | undefined> => {
    await delay(Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** attempts), undefined, { signal }).catch(() => undefined);
    attempts += 1;
    if (signal.aborted) return undefined;
    try {
      const started = await start(signal);
      log.info('PostgreSQL runs again');
      return started;
    } catch (error) {
      if (!signal.aborted) log.error({ err: error }, 'PostgreSQL could not be started; trying again');
      return undefined;
    }
  };
  const stopped = new Promise<undefined>((resolve) => signal.addEventListener('abort', () => resolve(undefined)));
  const supervise = async (): Promise<void> => {
    while (!signal.aborted) {
      const startedAt = performance.now();
      const how = server && (await Promise.race([server.ended, stopped]));
      if (signal.aborted) return;
      if (how !== undefined) log.error({ said: server?.lastWords() }, `PostgreSQL ended unexpectedly with ${how}; it is started again`);
      if (performance.now() - startedAt > SETTLED_MS) attempts = 0;
      server = await startAgain();
    }
  };

  const running = supervise();
  return async () => {
    closing.abort();
    await running;
    await server?.stop();
  };
}
