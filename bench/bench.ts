import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { signToken } from '../src/auth/jwt.ts';
import { startEmbeddedPostgres } from '../src/db/embedded-postgres.ts';
import { createLog } from '../src/log.ts';
import { executeSql } from '../test/support/execute-sql.ts';
import { testImage } from '../test/support/tiny-image.ts';
import { openEngineSocket } from './engine-socket.ts';
import { formatFigures, type Figure } from './figure.ts';
import { startGateway } from './gateway-under-test.ts';
import { measureBoot } from './measure-boot.ts';
import { measureIdle } from './measure-idle.ts';
import { measureLists } from './measure-lists.ts';
import { removeInstallation } from './remove-installation.ts';

/**
 * `npm run bench`: what the gateway costs over the same work done raw. Every ratio is of one run in which both took turns, so it
 * holds on a busy machine too; the absolute numbers do not. Leaves nothing behind, also when it is interrupted.
 */
const DISTRIBUTION = 'tiny';
const APP_PORT = 3000;
const BOOT_PAIRS = 15;
const JWT_SECRET = randomUUID();

const interrupted = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(name, () => interrupted.abort(new Error(`interrupted by ${name}`)));
}
const say = (line: string): void => void process.stdout.write(`${line}\n`);

try {
  const figures = await measureAll(interrupted.signal);
  say(`\n${formatFigures(figures)}`);
} catch (error) {
  const why: unknown = interrupted.signal.aborted ? interrupted.signal.reason : error;
  process.stderr.write(`The bench could not measure: ${why instanceof Error ? why.message : String(why)}\n`);
  process.exitCode = 1;
}

async function measureAll(signal: AbortSignal): Promise<Figure[]> {
  await using undo = new AsyncDisposableStack();
  undo.defer(() => say('cleaning up'));
  const dataDir = await mkdtemp(path.join(tmpdir(), 'swiftor-bench-'));
  undo.defer(() => rm(dataDir, { recursive: true, force: true }));

  const idle = await measureIdle({ dataDir: path.join(dataDir, 'idle'), say, signal });
  signal.throwIfAborted();

  const engine = undo.use(openEngineSocket());
  const image = await testImage();
  const log = await createLog({ level: 'warn' });
  const postgres = await startEmbeddedPostgres({ dataDir: path.join(dataDir, 'bench'), log, signal });
  undo.defer(() => postgres.stop());
  const rawInstallation = `bench-${randomUUID()}`;
  undo.defer(() => removeInstallation(engine, rawInstallation));

  const catalogFile = path.join(dataDir, 'catalog.json');
  const entry = { code: DISTRIBUTION, image, defaultPort: APP_PORT, stopGraceSeconds: 2, bootSeconds: 20 };
  await writeFile(catalogFile, JSON.stringify({ distributions: [entry] }));
  let installationId: string | undefined;
  undo.defer(async () => {
    if (installationId !== undefined) await removeInstallation(engine, installationId);
  });
  const env = { DATABASE_URL: postgres.url, DATA_DIR: path.join(dataDir, 'gateway'), CATALOG_FILE: catalogFile, JWT_SECRET };
  const gateway = undo.use(await startGateway(env));
  const { rows } = await executeSql(postgres.url, 'select id from installation');
  installationId = (rows[0] as { id: string }).id;

  const tokenOf = (userId: string): Promise<string> =>
    signToken({ userId, plan: 'engineer', ttlSeconds: 3600 }, { secret: JWT_SECRET, audience: 'authenticated' });
  const common = { gateway, distribution: DISTRIBUTION, say, signal };
  const boots = { ...common, token: await tokenOf('boots'), engine, rawInstallation, port: APP_PORT, pairs: BOOT_PAIRS };
  const boot = await measureBoot(boots);
  const lists = await measureLists({ ...common, databaseUrl: postgres.url, userId: 'lists', token: await tokenOf('lists') });
  return [...boot, ...lists, ...idle];
}
