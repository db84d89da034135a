import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { sql } from 'kysely';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { createDatabase } from '../../../src/db/database.ts';
import { startEmbeddedPostgres } from '../../../src/db/embedded/embedded-postgres.ts';

const signal = AbortSignal.timeout(60_000);
const CONNECTIONS = 10;

async function startPostgres() {
  const undo = new AsyncDisposableStack();
  const dataDir = await mkdtemp(path.join(tmpdir(), 'swiftor-pool-'));
  undo.defer(() => rm(dataDir, { recursive: true, force: true }));
  const lines: string[] = [];
  const log = pino({ level: 'warn' }, { write: (line) => void lines.push(line) });
  const start = () => startEmbeddedPostgres({ dataDir, log, signal });
  return { start, lines, [Symbol.asyncDispose]: () => undo.disposeAsync() };
}

it('a server that stops right after its pool is destroyed has no connections left, and no error is logged', async () => {
  await using postgres = await startPostgres();
  for (let round = 0; round < 3; round += 1) {
    const server = await postgres.start();
    const db = createDatabase(server.url, {
      max: CONNECTIONS,
      outage: { failed: (error) => void postgres.lines.push(String(error)), answered: () => undefined },
    });
    await Promise.all(Array.from({ length: CONNECTIONS }, () => sql`select pg_sleep(0.05)`.execute(db)));
    await db.destroy();
    await server.stop();
  }
  expect(postgres.lines).toEqual([]);
});

it('closing a pool waits no longer than 2 s for connections that do not answer', async () => {
  await using postgres = await startPostgres();
  const server = await postgres.start();
  const db = createDatabase(server.url, { max: 1 });
  const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(db);
  const pid = rows[0]?.pid ?? 0;
  process.kill(pid, 'SIGSTOP');
  try {
    const begun = performance.now();
    await db.destroy();
    expect(performance.now() - begun).toBeGreaterThan(1_900);
  } finally {
    process.kill(pid, 'SIGCONT');
    await server.stop();
  }
});
