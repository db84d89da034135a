import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it, onTestFinished } from 'vitest';
import type { ContainerDetails } from '../../../src/engine/docker/containers/containers.ts';
import { commandLabels } from '../../../src/engine/docker/host/host-container.ts';
import { isAbandoned } from '../../../src/engine/docker/host/is-abandoned.ts';
import { LABEL } from '../../../src/engine/labels.ts';
import {
  docker,
  IDLE,
  machineSpec,
  newInstallationId,
  removeInstallation,
  testDriver,
} from '../../support/engine/engines.ts';
import { useProxiedDriver } from '../../support/engine/proxied/use-proxied-driver.ts';
import { execIn } from '../../support/engine/exec-in.ts';
import { eventually } from '../../support/eventually.ts';

const engine = useProxiedDriver();
const { installationId } = engine;
const foreignId = newInstallationId();
const within = () => AbortSignal.timeout(40_000);

afterAll(() => removeInstallation(foreignId), 60_000);

/** Sweeps as if so many seconds had passed on the engine. */
async function sweepLater(seconds: number): Promise<void> {
  const later = (body: unknown) => {
    const info = body as { readonly SystemTime: string };
    return { ...info, SystemTime: new Date(Date.parse(info.SystemTime) + seconds * 1000).toISOString() };
  };
  const undo = engine.proxy.rule({ call: /^GET \/info/, act: { kind: 'rewrite', map: later } });
  await engine.driver.sweep(within()).finally(undo);
}

const commandsOf = async (id: string) =>
  (await docker.listContainers({ all: true, filters: { label: [`${LABEL.installation}=${id}`, LABEL.command] } })).map(
    ({ Id }) => Id,
  );
const trialsOf = async (id: string) => {
  const { Volumes } = await docker.listVolumes({
    filters: { label: [`${LABEL.installation}=${id}`, `${LABEL.volume}=trial`] },
  });
  return Volumes ?? [];
};
const trialFilesOf = async (id: string) => {
  const { DockerRootDir } = (await docker.info()) as { DockerRootDir: string };
  const folders = (await readdir(`${DockerRootDir}/swiftor`)).filter((name) => name.startsWith(`${id}.`));
  return (await Promise.all(folders.map((name) => readdir(`${DockerRootDir}/swiftor/${name}`))))
    .flat()
    .filter((name) => name !== 'primary.img');
};

/** A command's container as a gateway leaves it that is killed. */
async function leave(id: string, maySeconds: number, until: 'created' | 'running' | 'exited'): Promise<string> {
  const Cmd = until === 'exited' ? ['true'] : ['sleep', '600'];
  const Labels = { ...commandLabels(id, maySeconds * 1000) };
  const container = await docker.createContainer({ Image: 'swiftor-test/tiny:1', Entrypoint: [], Cmd, Labels });
  if (until !== 'created') await container.start();
  if (until === 'exited') await container.wait();
  return container.id;
}

it('commands that were left behind are removed, not those that are at work or another installation’s', async () => {
  const [created, ended, overdue] = await Promise.all([
    leave(installationId, 30, 'created'),
    leave(installationId, 300, 'exited'),
    leave(installationId, 10, 'running'),
  ]);
  const busy = await leave(installationId, 300, 'running');
  const foreign = await leave(foreignId, 10, 'exited');
  await engine.driver.sweep(within());
  expect((await commandsOf(installationId)).toSorted()).toEqual([created, ended, overdue, busy].toSorted());
  await sweepLater(90);
  expect(await commandsOf(installationId)).toEqual([busy]);
  await sweepLater(600);
  expect(await commandsOf(installationId)).toEqual([]);
  expect(await commandsOf(foreignId)).toEqual([foreign]);
});

it.each([
  ['a command', () => commandsOf(installationId)],
  ['a trial of storage', () => trialsOf(installationId)],
])('what a process leaves that is killed in the middle of %s is gone after a sweep', async (_what, begun) => {
  const file = fileURLToPath(new URL('../../support/engine/storage-command-child.ts', import.meta.url));
  const child = spawn(process.execPath, [file, installationId], { stdio: 'inherit' });
  onTestFinished(() => void child.kill('SIGKILL'));
  const ended = once(child, 'exit');
  await eventually(async () => (await begun()).length > 0);
  child.kill('SIGKILL');
  await ended;
  await sweepLater(600);
  expect(await commandsOf(installationId)).toEqual([]);
  expect(await trialsOf(installationId)).toEqual([]);
  expect(await trialFilesOf(installationId)).toEqual([]);
});

it('the part of a file is swept whose gateway was killed, and nothing beside it', async () => {
  const id = randomUUID();
  const volume = { name: 'primary', target: '/config', lifetime: 'until-delete', mustExist: false } as const;
  const { ref } = await engine.driver.ensure(
    machineSpec({ id, command: IDLE, volumes: [volume] }),
    within(),
    () => undefined,
  );
  const sh = async (script: string) => (await execIn(ref, ['/bin/sh', '-c', script])).output;
  const other = `.swiftor-upload-${randomUUID()}`;
  await sh(`mkdir /config/docs; echo mine > /config/${other}`);
  const file = fileURLToPath(new URL('../../support/engine/upload-child.ts', import.meta.url));
  const child = spawn(process.execPath, [file, installationId, id, ref, '/config/docs/x'], { stdio: 'inherit' });
  onTestFinished(() => void child.kill('SIGKILL'));
  const ended = once(child, 'exit');
  const uploads = async () => (await sh('busybox ls -A /config')).match(/\.swiftor-upload-\S+/g) ?? [];
  await eventually(async () => (await uploads()).length === 2);
  child.kill('SIGKILL');
  await ended;
  await sweepLater(3_600);
  expect(await uploads(), 'it may still be on its way').toHaveLength(2);
  await sweepLater(7 * 3_600);
  expect(await uploads()).toEqual([other]);
  expect(await commandsOf(installationId)).toEqual([]);
});

it('a driver that is closed waits for what it has under way, and leaves nothing', async () => {
  const own = testDriver(installationId);
  const leaving = new AbortController();
  const volume = {
    name: 'primary',
    target: '/config',
    lifetime: 'until-delete',
    mustExist: false,
    sizeBytes: 64 * 2 ** 20,
  } as const;
  const made = own.ensureVolumes(machineSpec({ volumes: [volume] }), leaving.signal).catch(() => undefined);
  await eventually(async () => (await commandsOf(installationId)).length > 0);
  leaving.abort();
  await own.close();
  expect(await commandsOf(installationId)).toEqual([]);
  expect(await trialsOf(installationId)).toEqual([]);
  await made;
});

it.each([
  ['made', /^POST \/containers\/create\?.*name=swiftor-trial-/],
  ['started', /^POST \/containers\/\w+\/start$/],
])('a trial of storage leaves nothing when its caller gives up while its container is %s', async (_what, call) => {
  const own = testDriver(installationId, { endpoint: engine.proxy.endpoint });
  onTestFinished(() => own.close());
  const leaving = new AbortController();
  const isTrial = () =>
    engine.proxy.calls.findLast((each) => each.includes('/containers/create'))?.includes('name=swiftor-trial-') ===
    true;
  const giveUp = () => {
    if (isTrial()) leaving.abort();
    return isTrial();
  };
  onTestFinished(engine.proxy.rule({ call, nth: giveUp, act: { kind: 'delay', milliseconds: 200 } }));
  const volume = {
    name: 'primary',
    target: '/config',
    lifetime: 'until-delete',
    mustExist: false,
    sizeBytes: 64 * 2 ** 20,
  } as const;
  await expect(own.ensureVolumes(machineSpec({ volumes: [volume] }), leaving.signal)).rejects.toThrow('aborted');
  expect(leaving.signal.aborted).toBe(true);
  expect(await commandsOf(installationId)).toEqual([]);
  expect(await trialsOf(installationId)).toEqual([]);
});

const AT = Date.parse('2026-01-02T03:00:00Z');
const stamp = (seconds: number) => new Date(AT + seconds * 1000).toISOString();
it.each<[string, ContainerDetails['State'], number, boolean]>([
  ['was just made', { Status: 'created' }, 30, false],
  ['was made and never started', { Status: 'created' }, 50, true],
  ['runs as long as it may', { Status: 'running', StartedAt: stamp(5) }, 340, false],
  ['runs for longer', { Status: 'running', StartedAt: stamp(5) }, 360, true],
  ['has just ended', { Status: 'exited', StartedAt: stamp(5), FinishedAt: stamp(200) }, 230, false],
  ['ended, and nobody came', { Status: 'exited', StartedAt: stamp(5), FinishedAt: stamp(200) }, 250, true],
  ['is being removed', { Status: 'removing', FinishedAt: stamp(0) }, 900, false],
  ['has no time that can be read', { Status: 'exited', FinishedAt: 'never' }, 900, false],
])('a command that %s', (_what, State, seconds, expected) => {
  const details = { Id: 'ref', Created: stamp(0), Config: { Labels: { [LABEL.command]: '300' } }, State };
  expect(isAbandoned(details, AT + seconds * 1000)).toBe(expected);
});
