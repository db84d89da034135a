import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { LABEL } from '../../../src/engine/labels.ts';
import { VERSION } from '../../../src/lib/version.ts';
import { containersOf } from '../../support/vm/vm-probe.ts';
import { docker, removeInstallation } from '../../support/engine/engines.ts';
import { testImage } from '../../support/engine/images/tiny-image.ts';
import { eventually } from '../../support/eventually.ts';
import { freePort } from '../../support/ports.ts';

const PROJECT = path.join(import.meta.dirname, '../../..');
const run = promisify(execFile);

it('deploy/try/container.sh leads from a clone to a running VM', { timeout: 900_000 }, async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'swiftor-container-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const config = path.join(folder, 'config');
  await mkdir(config);
  const tiny = { code: 'tiny', image: await testImage(), defaultPort: 3000, stopGraceSeconds: 2 };
  // The gateway in its container is another user.
  await writeFile(path.join(config, 'catalog.json'), JSON.stringify({ distributions: [tiny] }), { mode: 0o644 });
  const port = String(await freePort());
  const name = `swiftor-test-${port}`;
  let vmId = '';
  onTestFinished(async () => {
    const [{ Labels } = { Labels: {} }] = vmId === '' ? [] : await containersOf(vmId);
    await run('docker', ['rm', '--force', '--volumes', name]).catch(() => undefined);
    await run('docker', ['volume', 'rm', '--force', name]);
    const installation = (Labels as Record<string, string | undefined>)[LABEL.installation];
    if (installation !== undefined) await removeInstallation(installation);
  });
  const env = {
    PATH: process.env['PATH'],
    HOME: process.env['HOME'],
    NAME: name,
    PORT: port,
    CONFIG: config,
    CATALOG_FILE: '/config/catalog.json',
  };
  const { stdout } = await run(path.join(PROJECT, 'deploy/try/container.sh'), ['tiny'], { env, timeout: 800_000 });
  const [link = ''] = stdout.trim().split('\n').slice(-1);
  vmId = new URL(link).hostname.split('.')[0] ?? '';
  const [vm] = await containersOf(vmId);
  expect(vm?.State).toBe('running');
  const { Config, HostConfig } = await docker.getContainer(name).inspect();
  expect(Config.Image).toBe(`swiftor/gateway:${VERSION}`);
  // Not root, and with nothing of the machine but the engine's socket.
  expect([Config.User, HostConfig.ReadonlyRootfs, HostConfig.Privileged]).toEqual(['swiftor', true, false]);
  // It is ready again on its own data, and its VM runs on.
  await run('docker', ['restart', name]);
  const { stdout: token } = await run('docker', ['exec', name, 'swiftor', 'token', '--user', 'me']);
  const headers = { authorization: `Bearer ${token.trim()}` };
  const ask = () => fetch(`http://127.0.0.1:${port}/vms/${vmId}`, { headers }).then((answer) => answer.json());
  expect(await eventually(ask, { deadline: 60_000 })).toMatchObject({ status: 'RUNNING' });
  expect((await containersOf(vmId)).map(({ Id, State }) => [Id, State])).toEqual([[vm?.Id, 'running']]);
});
