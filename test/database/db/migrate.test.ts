import { expect, it } from 'vitest';
import { migrateToLatest } from '../../../src/db/startup/migrate.ts';
import { standIns } from '../../../src/db/startup/migrations.ts';
import { createTestDatabase } from '../../support/database/database.ts';
import { executeSql } from '../../support/database/execute-sql.ts';

it('a database that a newer version has migrated is taken as it is', async () => {
  await using database = await createTestDatabase();
  const record = (name: string) =>
    executeSql(
      database.url,
      `insert into kysely_migration (name, timestamp) values ('${name}', '${new Date().toISOString()}')`,
    );
  await record('9998-newer');
  await record('9999-still-newer');
  await migrateToLatest(database.url);
  await record('0000-lost');
  await expect(migrateToLatest(database.url)).rejects.toThrow(/could not be migrated/);
});

it('only migrations after the last own one have a stand-in', () => {
  expect(Object.keys(standIns(['0002-b', '0001-a'], ['0001-a', '0003-c', '0001-x']))).toEqual(['0003-c']);
});
