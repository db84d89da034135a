import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { sql } from 'kysely';
import {
  DEFAULT_MIGRATION_TABLE,
  FileMigrationProvider,
  type Migration,
  type MigrationProvider,
} from 'kysely/migration';
import { FILES } from '../../lib/files/files.ts';
import type { Db } from '../database.ts';

const MIGRATIONS = path.join(FILES, 'migrations');

/**
 * This version's migrations, and a stand-in for each that a newer version has made: migrations are such that the
 * version before goes on with them, so that it may also be started again.
 */
export function createMigrationProvider(db: Db): MigrationProvider {
  const files = new FileMigrationProvider({ fs, path, migrationFolder: MIGRATIONS });
  return {
    async getMigrations() {
      const own = await files.getMigrations();
      return { ...standIns(Object.keys(own), await readExecuted(db)), ...own };
    },
  };
}

/**
 * For the executed migrations that come after all of this version's. Any other that it lacks is an error of Kysely's.
 */
export function standIns(own: readonly string[], executed: readonly string[]): Record<string, Migration> {
  const last = own.toSorted().at(-1) ?? '';
  return Object.fromEntries(
    executed.filter((name) => name > last).map((name) => [name, { up: async () => undefined }]),
  );
}

async function readExecuted(db: Db): Promise<string[]> {
  const { rows: tables } = await sql`select to_regclass(${DEFAULT_MIGRATION_TABLE}) as found`.execute(db);
  const [table] = tables as { found: string | null }[];
  if (table?.found == null) return [];
  const { rows } = await sql<{ name: string }>`select name from ${sql.table(DEFAULT_MIGRATION_TABLE)}`.execute(db);
  return rows.map(({ name }) => name);
}
