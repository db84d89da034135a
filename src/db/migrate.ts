import { fileURLToPath } from 'node:url';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { FileMigrationProvider, Migrator } from 'kysely/migration';
import type { Db } from './database.ts';
import type { Log } from '../log.ts';

const MIGRATIONS = fileURLToPath(new URL('../../migrations', import.meta.url));

/**
 * Brings the schema up to date. Two gateways may start at once: Kysely's migrator holds a session advisory lock, one
 * applies and the other finds nothing left. Needs a direct connection, not a pooler in transaction mode.
 */
export async function migrateToLatest(db: Db, log?: Log): Promise<void> {
  const provider = new FileMigrationProvider({ fs, path, migrationFolder: MIGRATIONS });
  const { error, results = [] } = await new Migrator({ db, provider }).migrateToLatest();
  for (const { migrationName, status } of results) log?.info({ migration: migrationName, status }, 'migration');
  if (error !== undefined) throw new Error('The database could not be migrated; see the cause.', { cause: error });
}
