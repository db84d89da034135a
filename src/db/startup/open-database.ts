import type { Config } from '../../config/config.ts';
import type { Log } from '../../log.ts';
import { createDatabase, LONG_ANSWER_MS, type Db } from '../database.ts';
import { findEmbeddedPostgres, startEmbeddedPostgres } from '../embedded/embedded-postgres.ts';
import { migrateToLatest } from './migrate.ts';

export interface OpenDatabase extends AsyncDisposable {
  readonly db: Db;
}

/** Opens and migrates the database for a command. Starts the embedded one unless a gateway already runs it. */
export async function openDatabase(
  { databaseUrl, dataDir }: Pick<Config, 'databaseUrl' | 'dataDir'>,
  log: Log,
  signal: AbortSignal,
): Promise<OpenDatabase> {
  await using parts = new AsyncDisposableStack();
  const running = databaseUrl ?? (await findEmbeddedPostgres(dataDir));
  const own = running === undefined ? await startEmbeddedPostgres({ dataDir, log, signal }) : undefined;
  if (own !== undefined) parts.defer(() => own.stop());
  const url = running ?? own?.url ?? '';
  await migrateToLatest(url, log);
  const db = createDatabase(url, { max: 2, answerMs: LONG_ANSWER_MS });
  parts.defer(() => db.destroy());
  const held = parts.move();
  return { db, [Symbol.asyncDispose]: () => held.disposeAsync() };
}
