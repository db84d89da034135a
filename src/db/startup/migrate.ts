import { Migrator } from 'kysely/migration';
import { createDatabase, LONG_ANSWER_MS } from '../database.ts';
import type { Log } from '../../log.ts';
import { createMigrationProvider } from './migrations.ts';

/**
 * Migrates the schema, over its own connections with a longer deadline. Gateways may do so concurrently: Kysely's
 * migrator holds an advisory lock, which requires a direct connection, not a pooler in transaction mode. A database of
 * a newer version is taken as it is.
 */
export async function migrateToLatest(url: string, log?: Log): Promise<void> {
  const db = createDatabase(url, { max: 2, answerMs: LONG_ANSWER_MS });
  try {
    const { error, results = [] } = await new Migrator({
      db,
      provider: createMigrationProvider(db),
      // Two that were written at the same time may land in either order.
      allowUnorderedMigrations: true,
    }).migrateToLatest();
    for (const { migrationName, status } of results) log?.info({ migration: migrationName, status }, 'migration');
    if (error !== undefined) throw new Error('The database could not be migrated; see the cause.', { cause: error });
  } finally {
    await db.destroy();
  }
}
