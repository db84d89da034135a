import { once } from 'node:events';
import type pg from 'pg';

const DEADLINE_MS = 2_000;

/**
 * Prepares the closing of a new pool: tracks its connections, and returns a function that ends the pool and waits up to
 * 2 s until they are closed. `pool.end()` resolves before that, and a server that stops in between reports lost
 * clients.
 */
export function createPoolCloser(pool: pg.Pool): () => Promise<void> {
  const open = new Set<pg.PoolClient>();
  pool.on('connect', (client) => open.add(client));
  pool.on('remove', (client) => open.delete(client));
  return async () => {
    await pool.end();
    const signal = AbortSignal.timeout(DEADLINE_MS);
    // A dead connection never confirms its end.
    while (open.size > 0 && !signal.aborted) await once(pool, 'remove', { signal }).catch(() => undefined);
  };
}
