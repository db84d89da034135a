import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { readConfig } from '../src/config/read-config.ts';
import { startEmbeddedPostgres } from '../src/db/embedded/embedded-postgres.ts';
import { createLog } from '../src/log.ts';

/**
 * `npm run dev`: serves, and restarts at each change of a file that the gateway imports. The embedded PostgreSQL runs
 * in this process, so that a restart keeps it. A signal ends the gateway first, then the database.
 */
const CLI = fileURLToPath(new URL('../src/cli.ts', import.meta.url));
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

const ending = new AbortController();
for (const name of SIGNALS) process.on(name, () => ending.abort());

const { databaseUrl, dataDir, logLevel } = readConfig(process.env);
await using parts = new AsyncDisposableStack();
const url = databaseUrl ?? (await startDatabase());
if (!ending.signal.aborted) await serve(url);

async function startDatabase(): Promise<string> {
  const log = await createLog({ level: logLevel, pretty: process.stdout.isTTY });
  const database = await startEmbeddedPostgres({ dataDir, log, signal: ending.signal });
  parts.defer(() => database.stop());
  return database.url;
}

/** Resolves when the gateway and its watcher have ended. */
async function serve(DATABASE_URL: string): Promise<void> {
  const watcher = spawn(process.execPath, ['--watch', '--watch-preserve-output', CLI, 'serve'], {
    stdio: 'inherit',
    env: { ...process.env, DATABASE_URL },
  });
  // Ctrl-C reaches the watcher too; a signal to this process alone does not.
  ending.signal.addEventListener('abort', () => watcher.kill('SIGTERM'), { once: true });
  const [code] = (await once(watcher, 'exit')) as [number | null];
  process.exitCode = code ?? 0;
}
