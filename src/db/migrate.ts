import { fileURLToPath } from 'node:url';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { FileMigrationProvider, Migrator } from 'kysely/migration';
import { createDatabase, LONG_ANSWER_MS } from './database.ts';
import type { Log } from '../log.ts';

const MIGRATIONS = fileURLToPath(new URL('../../migrations', import.meta.url));

/**
 * Migrates the schema, over its own connections with a longer deadline. Gateways may do so concurrently: Kysely's
 * migrator holds an advisory lock. That requires a direct connection, not a pooler in transaction mode.
 */
export async function migrateToLatest(url: string, log?: Log): Promise<void> {
  const provider = new FileMigrationProvider({ fs, path, migrationFolder: MIGRATIONS });
  const db = createDatabase(url, { max: 2, answerMs: LONG_ANSWER_MS });
  try {
    const { error, results = [] } = await new Migrator({ db, provider }).migrateToLatest();
    for (const { migrationName, status } of results) log?.info({ migration: migrationName, status }, 'migration');
    if (error !== undefined) throw new Error('The database could not be migrated; see the cause.', { cause: error });
  } finally {
    await db.destroy();
  }
}
