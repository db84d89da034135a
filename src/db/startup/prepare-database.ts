import type { Config } from '../../config/config.ts';
import type { Log } from '../../log.ts';
import { awaitDatabase } from './await-database.ts';
import { startEmbeddedPostgres } from '../embedded/embedded-postgres.ts';
import { migrateToLatest } from './migrate.ts';
import { requireNotifications } from './require-notifications.ts';

export interface PreparedDatabase {
  readonly url: string;
  /** Whether it is ours: no other process uses it. */
  readonly isEmbedded: boolean;
  /** Stops it if it is embedded. */
  stop(): Promise<void>;
}

/** Starts the embedded database, or waits for the configured one, and migrates it. */
export async function prepareDatabase(
  { databaseUrl, dataDir }: Pick<Config, 'databaseUrl' | 'dataDir'>,
  log: Log,
  signal: AbortSignal,
): Promise<PreparedDatabase> {
  if (databaseUrl !== undefined) {
    await awaitDatabase(databaseUrl, log, signal);
    await requireNotifications(databaseUrl);
    await migrateToLatest(databaseUrl, log);
    return { url: databaseUrl, isEmbedded: false, stop: () => Promise.resolve() };
  }
  const embedded = await startEmbeddedPostgres({ dataDir, log, signal });
  try {
    await migrateToLatest(embedded.url, log);
  } catch (error) {
    await embedded.stop();
    throw error;
  }
  return { url: embedded.url, isEmbedded: true, stop: () => embedded.stop() };
}
