import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import pg from 'pg';
import { createDatabaseSocket } from '../pool/database-socket.ts';

const PATIENCE_MS = 5_000;

/**
 * Rejects unless a notification reaches a connection that listens for it. A pooler in transaction mode accepts LISTEN
 * and delivers nothing: events would be late, and a session's locks would protect nothing.
 */
export async function requireNotifications(url: string, { withinMs = PATIENCE_MS } = {}): Promise<void> {
  const channel = `swiftor_probe_${randomUUID().replaceAll('-', '')}`;
  const [listener, notifier] = [createClient(url), createClient(url)];
  try {
    await Promise.all([listener.connect(), notifier.connect()]);
    const heard = once(listener, 'notification', { signal: AbortSignal.timeout(withinMs) });
    // Handled below; until then it must not count as unhandled.
    heard.catch(() => undefined);
    await listener.query(`listen ${channel}`);
    await notifier.query(`select pg_notify('${channel}', '')`);
    await heard.catch((cause: unknown) => {
      throw new Error(
        'DATABASE_URL leads through a pooler that delivers no notifications, such as PgBouncer in transaction mode; ' +
          'connect to PostgreSQL directly, or by a pooler in session mode.',
        { cause },
      );
    });
  } finally {
    // Not awaited: end() never resolves on a dead connection.
    for (const client of [listener, notifier]) client.end().catch(() => undefined);
  }
}

function createClient(url: string): pg.Client {
  const client = new pg.Client({
    connectionString: url,
    stream: createDatabaseSocket,
    connectionTimeoutMillis: PATIENCE_MS,
    query_timeout: PATIENCE_MS,
    application_name: 'swiftor-probe',
  });
  // An error event without a listener ends the process.
  client.on('error', () => undefined);
  return client;
}
