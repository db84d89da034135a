import { once } from 'node:events';
import type pg from 'pg';

const DEADLINE_MS = 2_000;

/**
 * Ends a pool and waits for its connections, which its own promise does not: they have only said goodbye by then, and a server that is
 * stopped next would be taken for one that is lost. To be called when the pool is made: what it returns ends it, within 2 s.
 */
export function poolEnder(pool: pg.Pool): () => Promise<void> {
  const open = new Set<pg.PoolClient>();
  pool.on('connect', (client) => open.add(client));
  pool.on('remove', (client) => open.delete(client));
  return async () => {
    await pool.end();
    const signal = AbortSignal.timeout(DEADLINE_MS);
    // On a connection that is dead without a word the goodbye has no answer.
    while (open.size > 0 && !signal.aborted) await once(pool, 'remove', { signal }).catch(() => undefined);
  };
}
