import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { networkInterfaces, tmpdir } from 'node:os';
import path from 'node:path';
import Docker from 'dockerode';
import { afterAll, expect, it, onTestFinished } from 'vitest';
import { Containers } from '../../../src/engine/docker/containers/containers.ts';
import { createEngineCall } from '../../../src/engine/docker/connection/engine-call.ts';
import { HostCommands } from '../../../src/engine/docker/host/host-commands.ts';
import { hostContainerOptions, type HostCommand } from '../../../src/engine/docker/host/host-container.ts';
import { splitOutput } from '../../../src/engine/docker/streams/split-output.ts';
import { LABEL } from '../../../src/engine/labels.ts';
import { docker, newInstallationId, removeInstallation, TEST_ENDPOINT } from '../../support/engine/engines.ts';
import { openEngineProxy } from '../../support/engine/proxied/engine-proxy.ts';
import { eventually } from '../../support/eventually.ts';

const installationId = newInstallationId();
const call = createEngineCall(TEST_ENDPOINT, 15_000);
const newHost = () =>
  new HostCommands({ docker, call, containers: new Containers(docker, call, installationId), installationId });
const host = newHost();
const within = () => AbortSignal.timeout(25_000);
const run = (argv: HostCommand['argv'], rest: Partial<HostCommand> = {}) =>
  host.run({ what: 'try a command', argv, ...rest }, within());
const script = (text: string, rest: Partial<HostCommand> = {}) => run(['sh', '-c', text], rest);
const ofOurs = () =>
  docker.listContainers({ all: true, filters: { label: [`${LABEL.installation}=${installationId}`] } });

afterAll(() => removeInstallation(installationId), 60_000);

it("runs the host's own programs, and tells how they ended and what they wrote", async () => {
  const { exitCode, stdout, stderr } = await script('echo "$1"; echo bad >&2; uname -r; exit 3', {
    argv: ['sh', '-c', 'echo "$1"; echo bad >&2; uname -r; exit 3', 'sh', '$(false); "x"'],
  });
  expect({ exitCode, stderr }).toEqual({ exitCode: 3, stderr: 'bad\n' });
  expect(stdout).toBe(`$(false); "x"\n${(await readFile('/proc/sys/kernel/osrelease', 'utf8')).trim()}\n`);
  expect(await ofOurs()).toEqual([]);
});

it('a command whose start is answered with nonsense has not succeeded', async () => {
  await using proxy = await openEngineProxy();
  const engine = new Docker({ socketPath: proxy.endpoint.replace('unix://', '') });
  const containers = new Containers(engine, call, installationId);
  const behindProxy = new HostCommands({ docker: engine, call, containers, installationId });
  // Not passed on: the container stays as it was created.
  proxy.rule({ call: /^POST \/containers\/[^/]+\/start/, act: { kind: 'answer', status: 200, body: 'nonsense' } });
  await expect(behindProxy.run({ what: 'try a command', argv: ['true'] }, within())).rejects.toThrow(
    'no container that has run',
  );
  expect(await ofOurs()).toEqual([]);
});

it('several at once do not meet', async () => {
  const outputs = await Promise.all(['a', 'b', 'c', 'd'].map((word) => run(['echo', word])));
  expect(outputs.map(({ stdout }) => stdout.trim())).toEqual(['a', 'b', 'c', 'd']);
});

it('has no rights, no network and no secrets of the host unless it is given them', async () => {
  const { stdout } = await script(
    'grep CapEff /proc/self/status; ls /sys/class/net; ls /etc/shadow /run/docker.sock /root; touch /usr/x /x',
  );
  expect(stdout.replace('CapEff:\t', '')).toBe('0000000000000000\nlo\n');
  const firewall = await run(['iptables', '-S', 'DOCKER-USER'], { network: 'host', capabilities: ['NET_ADMIN'] });
  expect(firewall).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('-N DOCKER-USER') });
  const { stdout: names } = await script('ls /sys/class/net', { network: 'host' });
  expect(names.split('\n')).toEqual(expect.arrayContaining(Object.keys(networkInterfaces()).slice(0, 1)));
});

it("reads and writes the host's paths that it is given, and no missing one is made", async () => {
  const directory = await mkdtemp(path.join(tmpdir(), 'swiftor-host-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const write = ['sh', '-c', 'echo "$GREETING" > /data/made', 'sh'] as const;
  const binds = [{ source: directory, target: '/data', writable: true }];
  expect(await run([...write], { binds, env: { GREETING: 'good day' } })).toMatchObject({ exitCode: 0 });
  expect(await readFile(path.join(directory, 'made'), 'utf8')).toBe('good day\n');
  const readOnly = await run([...write], { binds: [{ source: directory, target: '/data' }] });
  expect(readOnly.exitCode).not.toBe(0);
  await expect(run(['true'], { binds: [{ source: `${directory}/missing` }] })).rejects.toMatchObject({
    code: 'ENGINE_REFUSED',
  });
});

it('a program that the host has not is named', async () => {
  const missing = run(['swiftor-no-such-program'], { what: 'make a disk image' });
  await expect(missing).rejects.toMatchObject({
    code: 'ENGINE_REFUSED',
    message: 'The engine\'s host has no program "swiftor-no-such-program" to make a disk image: install it there.',
  });
  expect(await ofOurs()).toEqual([]);
});

it('is ended and removed after its time, and when nobody wants it any more', async () => {
  await expect(run(['sleep', '60'], { milliseconds: 300 })).rejects.toMatchObject({ code: 'ENGINE_TIMEOUT' });
  expect(await ofOurs()).toEqual([]);
  const leaving = new AbortController();
  const sleeping = host.run({ what: 'sleep', argv: ['sleep', '60'] }, leaving.signal);
  const failed = expect(sleeping).rejects.toThrow('gone');
  await eventually(async () => (await ofOurs()).some(({ State }) => State === 'running'));
  leaving.abort(new Error('gone'));
  await failed;
  expect(await ofOurs()).toEqual([]);
});

it("a command's container has nothing that it was not given", () => {
  const place = { imageRef: 'i', labels: {}, absent: new Set(['/lib64', '/run/xtables.lock']) };
  const { HostConfig } = hostContainerOptions({ what: 'x', argv: ['true'], network: 'host' }, place);
  expect(HostConfig).toMatchObject({
    CapDrop: ['ALL'],
    CapAdd: [],
    ReadonlyRootfs: true,
    SecurityOpt: ['no-new-privileges', 'label=disable'],
  });
  expect(HostConfig?.Mounts?.map(({ Source, ReadOnly }) => [Source, ReadOnly])).toEqual(
    ['/usr', '/bin', '/sbin', '/lib', '/etc/alternatives', '/etc/ld.so.cache', '/etc/mke2fs.conf'].map((one) => [
      one,
      true,
    ]),
  );
  expect(hostContainerOptions({ what: 'x', argv: ['true'] }, place).HostConfig?.NetworkMode).toBe('none');
});

it('output is separated by its stream, and cut', () => {
  const frame = (stream: number, text: string) => {
    const header = Buffer.alloc(8);
    header[0] = stream;
    header.writeUInt32BE(text.length, 4);
    return Buffer.concat([header, Buffer.from(text)]);
  };
  const frames = Buffer.concat([frame(1, 'a'), frame(2, 'x'), frame(1, 'bc'), frame(2, 'yz')]);
  expect(splitOutput(frames, 100)).toEqual({ stdout: 'abc', stderr: 'xyz' });
  expect(splitOutput(frames, 2)).toEqual({ stdout: 'ab', stderr: 'xy' });
  expect(splitOutput(Buffer.alloc(0), 2)).toEqual({ stdout: '', stderr: '' });
});
