import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';

const PROJECT = fileURLToPath(new URL('../../..', import.meta.url));

/** Runs a project's prepare script, and what it said and how long it took. */
function prepare(
  project: string,
  purpose: string | readonly string[],
  env: NodeJS.ProcessEnv = {},
): { status: number | null; said: string; ms: number } {
  const started = performance.now();
  const script = path.join(project, 'scripts/prepare.js');
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, purpose].flat(), {
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
  return { status, said: stdout + stderr, ms: performance.now() - started };
}

describe('prepare', () => {
  it('is silent and quick when nothing is missing', () => {
    const started = performance.now();
    spawnSync(process.execPath, ['-e', '0']);
    const bare = performance.now() - started;
    const { status, said, ms } = prepare(PROJECT, 'test');
    expect({ status, said }).toEqual({ status: 0, said: '' });
    // 0.8 s on a machine that has time, where Node itself starts in 40 ms.
    expect(ms).toBeLessThan(20 * bare);
  });

  it('names its purposes when it is called with another', () => {
    const { status, said } = prepare(PROJECT, 'everything');
    expect({ status, said }).toEqual({
      status: 1,
      said: 'prepare: usage: node scripts/prepare.js serve|test|bench|chaos|openapi|packages\n',
    });
  });

  describe('in a fresh clone', () => {
    let clone: string;

    beforeEach(async () => {
      clone = await mkdtemp(path.join(tmpdir(), 'swiftor-clone-'));
      for (const name of ['scripts', 'tools', 'images', 'src', 'migrations', 'package.json', 'package-lock.json']) {
        await cp(path.join(PROJECT, name), path.join(clone, name), { recursive: true });
      }
    });

    afterEach(async () => {
      await rm(clone, { recursive: true, force: true });
    });

    /** As if the npm packages had been installed. */
    async function markInstalled(): Promise<void> {
      await symlink(path.join(PROJECT, 'node_modules'), path.join(clone, 'node_modules'));
    }

    it('only explains what is missing under SWIFTOR_NO_INSTALL=1, and changes nothing', async () => {
      const before = await readdir(clone, { recursive: true });
      const { status, said } = prepare(clone, 'packages', { SWIFTOR_NO_INSTALL: '1' });
      expect(status).toBe(1);
      expect(said).toContain('missing: npm packages into node_modules');
      expect(said).toContain('Nothing was changed, as SWIFTOR_NO_INSTALL=1 is set.');
      expect(await readdir(clone, { recursive: true })).toEqual(before);
    });

    it('replaces a .runtime/node that points elsewhere by the new enough Node of the system, and takes over a dead lock', async () => {
      await markInstalled();
      await mkdir(path.join(clone, '.runtime/prepare.lock'), { recursive: true });
      await symlink('/bin/true', path.join(clone, '.runtime/node'));
      await symlink(`${process.pid} 1@another-boot`, path.join(clone, '.runtime/prepare.lock/3'));
      const PATH = `${path.dirname(process.execPath)}:${process.env['PATH']}`;
      expect(prepare(clone, 'packages', { PATH })).toMatchObject({ status: 0, said: '' });
      expect(await realpath(path.join(clone, '.runtime/node'))).toBe(await realpath(process.execPath));
    });

    it('installs no Node but the one whose hash it knows', async () => {
      await markInstalled();
      // An old Node, and a registry whose archive was exchanged.
      const name = `node-${process.platform}-${process.arch}`;
      const archive = pack();
      archive.entry({ name: 'package/package.json' }, JSON.stringify({ name, version: '24.21.0' }));
      archive.entry({ name: 'package/bin/node', mode: 0o755 }, '#!/bin/sh\necho v24.21.0\n');
      archive.finalize();
      const tarball = gzipSync(await buffer(archive));
      const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`;
      const registry = createServer(({ url, headers: { host } }, response) => {
        const dist = { tarball: `http://${host}/${name}.tgz`, integrity };
        const versions = { '24.21.0': { name, version: '24.21.0', dist } };
        response.end(url?.endsWith('.tgz') ? tarball : JSON.stringify({ name, versions, 'dist-tags': {} }));
      });
      await once(registry.listen(0, '127.0.0.1'), 'listening');
      // Outside the clone, whose own programs are not the system's.
      const bin = await mkdtemp(path.join(tmpdir(), 'swiftor-old-node-'));
      onTestFinished(() => rm(bin, { recursive: true }));
      await writeFile(path.join(bin, 'node'), '#!/bin/sh\necho v20.0.0\n', { mode: 0o755 });
      const PATH = `${path.dirname(process.execPath)}:${process.env['PATH']}`;
      await writeFile(path.join(bin, 'npm'), `#!/bin/sh\nPATH=${PATH} exec npm "$@"\n`, { mode: 0o755 });
      const address = `http://127.0.0.1:${(registry.address() as AddressInfo).port}/`;
      const env = { PATH: `${bin}:${PATH}`, npm_config_registry: address, npm_config_cache: path.join(clone, 'cache') };
      const child = spawn(process.execPath, [path.join(clone, 'scripts/prepare.js'), 'packages'], {
        env: { ...process.env, ...env },
      });
      child.stdout.resume();
      const [said, [status]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
      await once(registry.close(), 'close');
      expect({ status, said }).toEqual({ status: 1, said: expect.stringContaining('EINTEGRITY') });
      expect(existsSync(path.join(clone, '.runtime/node'))).toBe(false);
    });

    it('says what to do when the engine that DOCKER_HOST names does not answer, and installs none', async () => {
      await markInstalled();
      const DOCKER_HOST = `unix://${clone}/docker.sock`;
      const PATH = `${path.dirname(process.execPath)}:${process.env['PATH']}`;
      const { status, said } = prepare(clone, 'serve', { PATH, DASHBOARD: '0', DOCKER_HOST, REGIONS: '' });
      expect(status).toBe(1);
      expect(said).toContain(`none answers at ${DOCKER_HOST} (ENOENT)`);
      expect(said).toContain('or unset DOCKER_HOST');
      expect(said).not.toMatch(/^\s+at /m);
    });

    it('asks test files of unit, database and load for no engine, and others for one', async () => {
      await markInstalled();
      const PATH = `${path.dirname(process.execPath)}:${process.env['PATH']}`;
      expect(prepare(clone, 'packages', { PATH })).toMatchObject({ status: 0 });
      const env = { PATH, DOCKER_HOST: `unix://${clone}/docker.sock`, SWIFTOR_NO_INSTALL: '1' };
      expect(prepare(clone, ['test', 'test/unit/queue.test.ts', 'test/database'], env)).toMatchObject({
        status: 0,
        said: '',
      });
      const { status, said } = prepare(clone, ['test', 'test/engine/driver.test.ts'], env);
      expect({ status, said }).toEqual({
        status: 1,
        said: expect.stringContaining('missing: a Docker Engine: none answers'),
      });
    });

    it('asks for no engine here when REGIONS names only others', async () => {
      await markInstalled();
      const PATH = `${path.dirname(process.execPath)}:${process.env['PATH']}`;
      const REGIONS = 'AU=tcp://au.internal:2376';
      const DOCKER_HOST = `unix://${clone}/docker.sock`;
      expect(prepare(clone, 'serve', { PATH, DASHBOARD: '0', DOCKER_HOST, REGIONS })).toMatchObject({
        status: 0,
        said: '',
      });
    });
  });
});
