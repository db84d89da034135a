import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import type { Log } from '../../log.ts';
import { isDatabaseUnavailable } from '../database-errors.ts';
import { createDatabase } from '../database.ts';

const PATIENCE_MS = 60_000;
const RETRY_MS = 500;

/**
 * Waits until the database answers, because gateway and database are often started together. Rejects after 60 s, and at
 * once if the database refuses, for example the password.
 */
export async function awaitDatabase(url: string, log: Log, signal: AbortSignal): Promise<void> {
  const db = createDatabase(url, { max: 1 });
  const until = performance.now() + PATIENCE_MS;
  let isLogged = false;
  try {
    for (;;) {
      try {
        await sql`select 1`.execute(db);
        if (isLogged) log.info('the database answers');
        return;
      } catch (error) {
        if (!isDatabaseUnavailable(error) || performance.now() > until) throw error;
        if (!isLogged)
          log.warn({ err: error }, `the database does not answer; waiting for it, at most ${PATIENCE_MS / 1000} s`);
        isLogged = true;
        await delay(RETRY_MS, undefined, { signal });
      }
    }
  } finally {
    await db.destroy();
  }
}
