// Starts the embedded database in the directory of its first argument, prints its address as a line and holds it until
// it is killed.
import { startEmbeddedPostgres } from '../../../src/db/embedded/embedded-postgres.ts';
import { createLog } from '../../../src/log.ts';

const options = {
  dataDir: process.argv[2] ?? '',
  log: await createLog({ level: 'silent' }),
  signal: AbortSignal.timeout(60_000),
};
const outcome = await startEmbeddedPostgres(options).catch((error: unknown) => String(error));
process.stdout.write(`${typeof outcome === 'string' ? outcome : outcome.url}\n`);
