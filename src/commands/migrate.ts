import { parseArgs } from 'node:util';
import { readConfig } from '../config/read-config.ts';
import { migrateToLatest } from '../db/startup/migrate.ts';
import { createLog } from '../log.ts';

/** `swiftor migrate`. */
export async function migrate(args: readonly string[]): Promise<void> {
  parseArgs({ args: [...args], options: {} });
  const { databaseUrl, logLevel } = readConfig(process.env);
  if (databaseUrl === undefined) throw new Error('Set DATABASE_URL; the embedded database is migrated at each start.');
  await migrateToLatest(databaseUrl, await createLog({ level: logLevel, to: 'stderr', pretty: process.stderr.isTTY }));
}
