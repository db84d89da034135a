import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { containerOf, readFileOf } from '../../support/engine/containers.ts';
import { backUpDatabase, createTestDatabase, type TestDatabase } from '../../support/database/database.ts';
import { docker, removeInstallation } from '../../support/engine/engines.ts';
import { eventually } from '../../support/eventually.ts';
import { execIn } from '../../support/engine/exec-in.ts';
import { executeSql } from '../../support/database/execute-sql.ts';
import { createTestGateway, SECRETS_KEY, type TestGateway } from '../../support/gateway/gateway.ts';
import { JWT_SECRET } from '../../support/gateway/tokens.ts';
import { awaitRunning } from '../../support/vm/real-vm.ts';
import { createVm, eventsUntil } from '../../support/vm/vms.ts';

const CLI = fileURLToPath(new URL('../../../src/cli.ts', import.meta.url));

/** What the engine has of the VM: its containers by their state, and how many volumes. */
async function onEngine(vmId: string): Promise<{ containers: string[]; volumes: number }> {
  const filters = { label: [`io.swiftor.vm=${vmId}`] };
  const containers = await docker.listContainers({ all: true, filters });
  const { Volumes } = await docker.listVolumes({ filters });
  return { containers: containers.map(({ State }) => State), volumes: (Volumes ?? []).length };
}

let original: TestDatabase;
let restored: TestDatabase;
let dataDir: string;
let forgotten: { running: string; off: string };
beforeAll(async () => {
  dataDir = await mkdtemp(path.join(tmpdir(), 'swiftor-orphans-'));
  original = await createTestDatabase();
  restored = await backUpDatabase(original);
  await using gateway = await createTestGateway({ databaseUrl: original.url });
  const token = await gateway.token('alice');
  forgotten = {
    running: await createVm(gateway, token, { storageType: 'PERSISTENT', cpu: 2 }),
    off: await createVm(gateway, token, { storageType: 'PERSISTENT' }),
  };
  await gateway.rest(token, 'POST', `/vms/start/${forgotten.running}`);
  await awaitRunning(gateway, token, forgotten.running);
  await execIn(await containerOf(forgotten.running), ['/bin/sh', '-c', 'echo kept > /config/note']);
  await eventually(async () => (await onEngine(forgotten.off)).volumes === 1, { deadline: 20_000 });
}, 120_000);
afterAll(async () => {
  const { rows } = await executeSql(original.url, 'select id from installation');
  await removeInstallation((rows[0] as { id: string }).id);
  await restored[Symbol.asyncDispose]();
  await original[Symbol.asyncDispose]();
  await rm(dataDir, { recursive: true, force: true });
}, 120_000);

/** What `swiftor orphans` prints; rejects with what it says when it fails. */
async function orphans(...args: string[]): Promise<string> {
  return orphansWith({}, ...args);
}
async function orphansWith(more: Record<string, string>, ...args: string[]): Promise<string> {
  const env = {
    PATH: process.env['PATH'],
    DATABASE_URL: restored.url,
    DATA_DIR: dataDir,
    JWT_SECRET,
    SECRETS_KEY,
    ...more,
  };
  const { stdout } = await promisify(execFile)(process.execPath, [CLI, 'orphans', ...args], { env, timeout: 60_000 });
  return stdout;
}

describe('a database restored from before some VMs were made', () => {
  let gateway: TestGateway;
  let token: string;
  beforeAll(async () => {
    gateway = await createTestGateway({ databaseUrl: restored.url });
    token = await gateway.token('alice');
    // As many as there were, and more: numbers of VMs tell nothing from now on.
    for (let index = 0; index < 4; index += 1) await createVm(gateway, token, { storageType: 'EPHEMERAL' });
    await gateway[Symbol.asyncDispose]();
    gateway = await createTestGateway({ databaseUrl: restored.url, orphanGraceMs: 0 });
  }, 60_000);
  afterAll(() => gateway[Symbol.asyncDispose]());

  const health = async () =>
    (await (await fetch(`${gateway.url}/health/ready`)).json()) as { ready: boolean; checks: object };
  const metrics = async () => (await fetch(`${gateway.url}/metrics`)).text();

  it('loses nothing of what it has forgotten: what runs is stopped', async () => {
    await eventually(async () => (await onEngine(forgotten.running)).containers.every((state) => state !== 'running'), {
      deadline: 20_000,
    });
    expect(await onEngine(forgotten.running)).toEqual({ containers: ['exited'], volumes: 1 });
    expect(await onEngine(forgotten.off)).toEqual({ containers: [], volumes: 1 });
  });

  it('says so in its health and its metrics, and is ready all the same', async () => {
    const { ready, checks } = await health();
    expect(ready).toBe(true);
    expect(checks).toMatchObject({
      'engine AU': expect.stringContaining('2 of its VMs are not in the database and kept'),
    });
    expect(await metrics()).toContain('swiftor_engine_orphan_vms{region="AU"} 2\n');
  });

  it('lists what it has forgotten for an operator', async () => {
    const lines = (await orphans('list')).trim().split('\n');
    expect(lines).toHaveLength(2);
    const lineOf = (id: string) => lines.find((line) => line.startsWith(id));
    expect(lineOf(forgotten.running)).toMatch(
      /  AU,US  unknown  container exited, volume primary  user="alice" .* cpu=2 ram=1$/,
    );
    expect(lineOf(forgotten.off)).toMatch(/  AU,US  unknown  volume primary  .*distribution="ubuntu"/);
  });

  it('gets a VM back by its adoption, with its data', async () => {
    expect(await orphans('adopt', forgotten.running)).toContain('is a VM of alice again, "MyWebServer", and off');
    const adopted = await gateway.graphql(
      token,
      'query ($id: ID!) { vm(id: $id) { vmlabel status enabled region os { distribution desktop } specs { cpu ram storage } } }',
      { id: forgotten.running },
    );
    expect(adopted).toEqual({
      data: {
        vm: {
          vmlabel: 'MyWebServer',
          status: 'STOPPED',
          enabled: false,
          region: 'AU',
          os: { distribution: 'ubuntu', desktop: 'xfce' },
          specs: { cpu: 2, ram: 1, storage: true },
        },
      },
    });
    const [event] = (await eventsUntil(gateway, token, { after: '0' }, ({ reason }) => reason === 'ADOPT')).slice(-1);
    expect(event).toMatchObject({ kind: 'CREATED', vmId: forgotten.running, status: 'STOPPED' });
    await expect(orphans('adopt', forgotten.running)).rejects.toThrow(
      /No engine has anything of that id without a row/,
    );

    await gateway.rest(token, 'POST', `/vms/start/${forgotten.running}`);
    await awaitRunning(gateway, token, forgotten.running);
    expect(await readFileOf(await containerOf(forgotten.running), '/config/note')).toBe('kept\n');
  }, 90_000);

  it('forgets the other for good when the operator says so', async () => {
    expect(await orphans('remove', forgotten.off)).toBe(`${forgotten.off} is removed.\n`);
    expect(await onEngine(forgotten.off)).toEqual({ containers: [], volumes: 0 });
    expect(await orphans('list')).toBe('');
    await eventually(async () => expect((await health()).checks).toMatchObject({ 'engine AU': 'ok' }), {
      deadline: 20_000,
    });
    expect(await metrics()).toContain('swiftor_engine_orphan_vms{region="AU"} 0\n');
  }, 60_000);

  it('does not say that there is nothing while an engine cannot be asked', async () => {
    const regions = { REGIONS: 'AU=unix:///var/run/docker.sock,EU=unix:///nowhere.sock' };
    await expect(orphansWith(regions, 'list')).rejects.toThrow(
      /Not every engine could be asked: what EU has is not known/,
    );
  });

  it.each([[[]], [['remove']], [['adopt', 'a', 'b']]])('orphans %j says how it is used', async (args) => {
    await expect(orphans(...args)).rejects.toThrow(/Write swiftor orphans list, adopt VM_ID or remove VM_ID/);
  });
});
