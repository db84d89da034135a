import path from 'node:path';
import { startEmbeddedPostgres } from '../../src/db/embedded/embedded-postgres.ts';
import { createLog } from '../../src/log.ts';
import { executeSql, urlOfDatabase } from '../../test/support/database/execute-sql.ts';

/** The environment of a part. */
export interface Bench {
  /** An empty directory of the part's own. */
  readonly dataDir: string;
  readonly print: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Does the work beside an empty database of its own, whose server is stopped afterwards. */
export async function withDatabase<T>(
  { dataDir, signal }: Bench,
  work: (databaseUrl: string) => Promise<T>,
  settings: Readonly<Record<string, string>> = {},
): Promise<T> {
  await using undo = new AsyncDisposableStack();
  const log = await createLog({ level: 'warn' });
  const postgres = await startEmbeddedPostgres({ dataDir: path.join(dataDir, 'postgres'), log, signal, settings });
  undo.defer(() => postgres.stop());
  await executeSql(postgres.url, 'create database bench');
  return await work(urlOfDatabase(postgres.url, 'bench'));
}
