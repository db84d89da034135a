import { execFile } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { createTestDatabase } from '../../support/database/database.ts';
import { NODE_OPTIONS, spawnGateway, urlOnceReady } from '../../support/gateway/gateway-process.ts';
import { JWT_SECRET } from '../../support/gateway/tokens.ts';

const PROJECT = path.join(import.meta.dirname, '../../..');
const run = promisify(execFile);

interface Manifest {
  readonly version: string;
  readonly bin: { readonly swiftor: string };
  readonly scripts: { readonly start: string };
  readonly dependencies: Readonly<Record<string, string>>;
}
const manifest = JSON.parse(readFileSync(path.join(PROJECT, 'package.json'), 'utf8')) as Manifest;

/** Packs the gateway and installs it into an empty folder, as npm would, but with the packages that are here. */
async function installElsewhere(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'swiftor-package-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await run('npm', ['pack', '--pack-destination', folder, '--loglevel=error'], { cwd: PROJECT });
  const installed = path.join(folder, 'node_modules/swiftor-gateway');
  await mkdir(installed, { recursive: true });
  const archive = path.join(folder, `swiftor-gateway-${manifest.version}.tgz`);
  await run('tar', ['--extract', '--file', archive, '--strip-components=1', '--directory', installed]);
  for (const name of Object.keys(manifest.dependencies)) {
    const link = path.join(folder, 'node_modules', name);
    await mkdir(path.dirname(link), { recursive: true });
    await symlink(path.join(PROJECT, 'node_modules', name), link);
  }
  return installed;
}

it('the packed gateway runs elsewhere, with what it depends on alone', { timeout: 180_000 }, async () => {
  const installed = await installElsewhere();
  const cli = path.join(installed, manifest.bin.swiftor);
  expect(readFileSync(cli, 'utf8').startsWith(`#!/usr/bin/env -S node ${NODE_OPTIONS.join(' ')}\n`)).toBe(true);
  expect(manifest.scripts.start).toContain(` ${NODE_OPTIONS.join(' ')} `);
  const read = globSync('src/**/*.*', { cwd: PROJECT }).filter((file) => !/\.(ts|js|md)$/.test(file));
  expect(read).not.toEqual([]);
  for (const file of read)
    expect(readFileSync(path.join(installed, 'dist', file))).toEqual(readFileSync(path.join(PROJECT, file)));

  await using database = await createTestDatabase();
  const env = { DATABASE_URL: database.url, DATA_DIR: path.join(installed, '../../data'), JWT_SECRET, ROLES: 'api' };
  const ask = async (...args: string[]): Promise<string> => {
    const { stdout } = await run(process.execPath, [cli, ...args], { env: { PATH: process.env['PATH'], ...env } });
    return stdout;
  };
  expect(await ask('--version')).toBe(`${manifest.version}\n`);
  expect(await ask('schema')).toBe(readFileSync(path.join(PROJECT, 'schema.graphql'), 'utf8'));
  const token = (await ask('token', '--user', 'alice', '--plan', 'hacker')).trim();

  await using gateway = spawnGateway({ ...env, ALOWED_ORIGINS: 'https://app.example' }, cli);
  const origin = await urlOnceReady(gateway);
  const answer = await fetch(`${origin}/vms`, { headers: { authorization: `Bearer ${token}` } });
  expect([answer.status, await answer.json()]).toEqual([200, { vms: [] }]);
  const page = await fetch(`${origin}/`, { headers: { accept: 'text/html' } });
  expect(await page.text()).toContain('<title>');
  expect(gateway.lines.filter((line) => line.includes('ALOWED_ORIGINS is not a setting'))).toHaveLength(1);
  gateway.child.kill('SIGTERM');
  expect(await gateway.exited).toBe(0);
});
