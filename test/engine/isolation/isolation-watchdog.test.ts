import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, it, onTestFinished } from 'vitest';
import { readScript } from '../../../src/engine/docker/shell/read-script.ts';
import { LABEL } from '../../../src/engine/labels.ts';
import {
  docker,
  IDLE,
  machineSpec,
  newInstallationId,
  removeInstallation,
  testDriver,
  testHostCommands,
  testImage,
  TEST_ENDPOINT,
} from '../../support/engine/engines.ts';
import { eventually } from '../../support/eventually.ts';
import { execIn } from '../../support/engine/exec-in.ts';
import { createTestGateway } from '../../support/gateway/gateway.ts';
import { openRefusingEngine } from '../../support/engine/proxied/refusing-engine.ts';
import { asRoot, createTestEngineNames } from '../../support/engine/test-engine-names.ts';
import { createVm, eventsUntil } from '../../support/vm/vms.ts';

const within = (seconds = 25) => AbortSignal.timeout(seconds * 1000);
const ignoreProgress = () => undefined;
const installationId = newInstallationId();
const undo = new AsyncDisposableStack();
const { engineNames } = undo.use(createTestEngineNames());
const driver = testDriver(installationId, { engineNames });
undo.defer(() => driver.close());
undo.defer(() => removeInstallation(installationId));
const firewall = (...args: string[]) => asRoot('iptables', '-w', '5', ...args);
const { forward, input } = engineNames.chains;

/** A service of this machine that VMs must not reach, and how many connections it got. */
let port = 0;
let hits = 0;
let gatewayAddress = '';

beforeAll(async () => {
  await testImage();
  const server = createServer((socket) => {
    hits += 1;
    socket.end('reached');
    socket.on('error', () => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
  undo.defer(() => new Promise<void>((resolve) => void server.close(() => resolve())));
  port = (server.address() as AddressInfo).port;
  await driver.isolate(within());
  gatewayAddress =
    (await docker.getNetwork(engineNames.networks.internet).inspect()).IPAM?.Config?.[0]?.['Gateway'] ?? '';
}, 60_000);

afterEach(async () => {
  await driver.isolate(within());
});

afterAll(() => undo.disposeAsync(), 60_000);

const findWatchdogs = () => docker.listContainers({ all: true, filters: { name: [`^/${engineNames.watchdog}$`] } });
const reach = async (ref: string) => {
  const { output } = await execIn(ref, [
    '/bin/sh',
    '-c',
    'nc -w 3 "$1" "$2" < /dev/null',
    'sh',
    gatewayAddress,
    String(port),
  ]);
  return output.includes('reached') ? 'open' : 'closed';
};
const start = async (overrides = {}) =>
  (await driver.ensure(machineSpec({ command: IDLE, ...overrides }), within(), ignoreProgress)).ref;
/** The rules that matter, as iptables prints them. */
const rules = async () =>
  (await firewall('-S'))
    .split('\n')
    .filter((line) => line.includes(engineNames.bridges) || line.includes(forward) || line.includes(input));

const HARM: readonly (readonly [string, () => Promise<unknown>])[] = [
  ['the rules were flushed', async () => void (await firewall('-F', forward), await firewall('-F', input))],
  ['one rule was deleted', () => firewall('-D', input, '-j', engineNames.chains.deny)],
  ['the jump to them was deleted', () => firewall('-D', 'INPUT', '-i', engineNames.bridges, '-j', input)],
  [
    'another rule was inserted before them',
    () => firewall('-I', 'INPUT', '1', '-i', engineNames.networks.internet, '-j', 'ACCEPT'),
  ],
];

it.for(HARM)('the watchdog restores the rules within seconds after %s by hand', async ([, harm]) => {
  const ref = await start();
  expect(await reach(ref)).toBe('closed');
  const before = await rules();
  // A paused watchdog cannot restore the rules before this test has seen them broken.
  const watchdog = docker.getContainer(engineNames.watchdog);
  await watchdog.pause();
  await harm();
  expect(await reach(ref)).toBe('open');
  await watchdog.unpause();
  await eventually(async () => expect(await reach(ref)).toBe('closed'), { deadline: 12_000 });
  await firewall('-D', 'INPUT', '-i', engineNames.networks.internet, '-j', 'ACCEPT').catch(() => undefined);
  expect(await rules()).toEqual(before);
});

it('the watchdog restores deleted rules before a VM starts', async () => {
  const tries = 'i=0; while [ $i -lt 30 ]; do nc -w 1 "$1" "$2" < /dev/null; i=$((i+1)); done';
  for (let round = 0; round < 6; round += 1) {
    // Half of the time, this is in the middle of a check that another start has just requested.
    await driver.isolate(within());
    await firewall('-F', input);
    const before = hits;
    const spec = machineSpec({ command: ['/bin/sh', '-c', tries, 'sh', gatewayAddress, String(port)] });
    const { ref } = await driver.ensure(spec, within(), ignoreProgress);
    await docker.getContainer(ref).wait();
    expect(hits - before).toBe(0);
  }
});

it('a killed watchdog is replaced before a VM starts, and each start causes only one check', async () => {
  const [first] = await findWatchdogs();
  await docker.getContainer(engineNames.watchdog).kill();
  await firewall('-F', input);
  const ref = await start();
  expect(await reach(ref)).toBe('closed');
  const [second] = await findWatchdogs();
  expect(second).toMatchObject({ State: 'running' });
  expect(second?.Id).not.toBe(first?.Id);
  const begun = performance.now();
  for (let time = 0; time < 20; time += 1) await driver.isolate(within());
  expect((performance.now() - begun) / 20).toBeLessThan(150);
  expect((await findWatchdogs()).map(({ Id }) => Id)).toEqual([second?.Id]);
});

it('two installations on one engine share the watchdog and its rules, which stay when one of them leaves', async () => {
  await docker.getContainer(engineNames.watchdog).remove({ force: true });
  const others = [1, 2].map(() => testDriver(newInstallationId(), { engineNames }));
  onTestFinished(() => others.forEach((other) => other.close()));
  expect(await Promise.all([driver, ...others].map((one) => one.isolate(within())))).toEqual(
    Array.from({ length: 3 }, () => 'isolated'),
  );
  const watchdogs = await findWatchdogs();
  expect(watchdogs).toMatchObject([{ State: 'running', Labels: { [LABEL.watchdog]: expect.any(String) } }]);
  expect(watchdogs[0]?.Labels).not.toHaveProperty(LABEL.installation);
  others.forEach((other) => other.close());
  expect(await driver.isolate(within())).toBe('isolated');
  expect((await findWatchdogs()).map(({ Id }) => Id)).toEqual(watchdogs.map(({ Id }) => Id));
  expect((await rules()).filter((rule) => rule.endsWith(`-j ${input}`))).toHaveLength(1);
});

/** A watchdog as another version of the gateway might have started it. */
const startOther = async (label: string) => {
  await docker.getContainer(engineNames.watchdog).remove({ force: true });
  const command = {
    what: 'imitate a watchdog',
    argv: ['sh', '-c', 'while read -r token; do echo "$token"; done'],
    isSpokenTo: true,
  } as const;
  const container = await testHostCommands(installationId).create(
    command,
    { [LABEL.watchdog]: label },
    engineNames.watchdog,
    within(),
  );
  await container.start();
  return container.id;
};
const currentWatchdog = async () => (await docker.getContainer(engineNames.watchdog).inspect()).Id;

it('the watchdog of the newer of two versions stays, and gateways of one version do not replace it forever', async () => {
  const [watchdog] = await findWatchdogs();
  const version = Number.parseInt(watchdog?.Labels[LABEL.watchdog] ?? '', 10);
  const connect = async () => {
    const gateway = testDriver(newInstallationId(), { engineNames });
    onTestFinished(() => gateway.close());
    await gateway.isolate(within());
    return gateway;
  };
  const newer = await startOther(`${version + 1}-rules-of-tomorrow`);
  await connect();
  expect(await currentWatchdog()).toBe(newer);
  const older = await startOther(`${version - 1}-rules-of-yesterday`);
  const gateway = await connect();
  expect(await currentWatchdog()).not.toBe(older);
  const equal = await startOther(`${version}-rules-of-another`);
  await gateway.isolate(within());
  expect(await currentWatchdog()).toBe(equal);
  await connect();
  expect(await currentWatchdog()).not.toBe(equal);
});

it('a foreign container with the name of the watchdog is kept, and isolation fails with the reason', async () => {
  await docker.getContainer(engineNames.watchdog).remove({ force: true });
  const foreign = await docker.createContainer({
    name: engineNames.watchdog,
    Image: await testImage(),
    Cmd: [...IDLE],
  });
  try {
    await expect(driver.isolate(within())).rejects.toMatchObject({
      code: 'ISOLATION_FAILED',
      message: expect.stringContaining(`the name "${engineNames.watchdog}" is taken by a foreign container`),
    });
    expect((await foreign.inspect()).State.Status).toBe('created');
  } finally {
    await foreign.remove({ force: true });
  }
});

it("forwarded packets meet the rules first, whether or not the engine has a chain for its operator's rules", async () => {
  const space = `swg-${engineNames.watchdog.slice(2, 6)}`;
  await asRoot('ip', 'netns', 'add', space);
  onTestFinished(async () => void (await asRoot('ip', 'netns', 'del', space)));
  const inside = (...argv: [string, ...string[]]) => asRoot('ip', 'netns', 'exec', space, ...argv);
  const once = () =>
    inside(
      'sh',
      '-c',
      readScript('watchdog'),
      'watchdog',
      'once',
      'X-FORWARD',
      'X-INPUT',
      'X-DENY',
      'x-+',
      '-A X-INPUT -j X-DENY',
      '-A X-INPUT -j X-DENY',
      '',
    );
  const jumps = async () =>
    (await inside('iptables', '-S')).split('\n').filter((line) => /^-A (INPUT|FORWARD|DOCKER-USER) /.test(line));
  await once();
  expect(await jumps()).toEqual(['-A INPUT -i x-+ -j X-INPUT', '-A FORWARD -i x-+ -j X-FORWARD']);
  for (const rule of ['-N DOCKER-USER', '-I FORWARD -j DOCKER-USER', '-I INPUT -j ACCEPT'])
    await inside('iptables', ...rule.split(' '));
  for (let time = 0; time < 3; time += 1) await once();
  expect(await jumps()).toEqual([
    '-A INPUT -i x-+ -j X-INPUT',
    '-A INPUT -j ACCEPT',
    '-A FORWARD -j DOCKER-USER',
    '-A DOCKER-USER -i x-+ -j X-FORWARD',
  ]);
});

it('the script fails with the reason if it may not change the firewall', async () => {
  const args = [forward, input, engineNames.chains.deny, engineNames.bridges, '-A X', '-A X', ''];
  const argv = ['sh', '-c', readScript('watchdog'), 'watchdog', 'once', ...args] as const;
  const output = await testHostCommands(installationId).run(
    { what: 'try', argv: [...argv], network: 'host' },
    within(),
  );
  expect(output.exitCode).toBe(1);
  expect(output.stderr).toMatch(/iptables.*Permission denied/s);
});

/** Whether a request to the engine is about the watchdog. */
const isAboutWatchdog = (path: string, body: string) =>
  /\/(containers\/[a-z0-9]+-guard\b)/.test(path) ||
  (path.includes('/containers/create') && body.includes('"NET_ADMIN"'));
const refusing = () =>
  openRefusingEngine((_method, path, body) =>
    isAboutWatchdog(path, body) ? { status: 403, message: 'authorization denied by plugin' } : undefined,
  );

it('no VM starts if isolation cannot be set up', async () => {
  await using engine = await refusing();
  const shut = testDriver(installationId, { engineNames, endpoint: engine.endpoint });
  onTestFinished(() => shut.close());
  const failure = {
    code: 'ISOLATION_FAILED',
    message: expect.stringMatching(/authorization denied.*NET_ADMIN.*VM_ISOLATION=off/s),
  };
  await expect(shut.isolate(within())).rejects.toMatchObject(failure);
  const spec = machineSpec();
  await expect(shut.ensure(spec, within(), ignoreProgress)).rejects.toMatchObject(failure);
  const found = await docker.listContainers({ all: true, filters: { label: [`${LABEL.machine}=${spec.id}`] } });
  expect(found.map(({ State }) => State)).not.toContain('running');
});

it('a gateway shows for each region why VMs cannot start there; with VM_ISOLATION=off they start, with a warning', async () => {
  await using engine = await refusing();
  const health = async (url: string) =>
    ((await (await fetch(`${url}/health/ready`)).json()) as { checks: Record<string, string> }).checks;
  const REGIONS = `AU=${engine.endpoint},US=${TEST_ENDPOINT}`;
  {
    await using gateway = await createTestGateway({ env: { REGIONS } });
    await eventually(async () =>
      expect((await health(gateway.url))['engine AU']).toMatch(/^isolation failed: .*denied by plugin/s),
    );
    const { 'engine AU': said, 'engine US': other } = await health(gateway.url);
    expect([said?.includes(engine.endpoint), other]).toEqual([false, 'ok']);
    const metrics = await (await fetch(`${gateway.url}/metrics`)).text();
    expect(metrics.match(/^swiftor_engine_can_start_vms.*$/gm)).toEqual([
      'swiftor_engine_can_start_vms{region="AU"} 0',
      'swiftor_engine_can_start_vms{region="US"} 1',
    ]);
    const token = await gateway.token('isolated');
    const vmId = await createVm(gateway, token);
    await gateway.graphql(token, 'mutation ($id: ID!) { startVm(id: $id) { id } }', { id: vmId });
    await eventsUntil(gateway, token, { vmId, after: '0' }, ({ status }) => status === 'FAILED');
    const query = '{ vms { nodes { lastFailure { code message } } } regions { code available } }';
    const { data } = await gateway.graphql<{ vms: { nodes: unknown[] } }>(token, query);
    expect(data).toMatchObject({
      vms: {
        nodes: [{ lastFailure: { code: 'ISOLATION_FAILED', message: expect.stringContaining('none starts there') } }],
      },
      regions: [
        { code: 'AU', available: false },
        { code: 'US', available: true },
      ],
    });
  }
  await using careless = await createTestGateway({ env: { REGIONS, VM_ISOLATION: 'off' } });
  await eventually(async () =>
    expect((await health(careless.url))['engine AU']).toMatch(/^OPEN, for VM_ISOLATION=off/),
  );
  const token = await careless.token('careless');
  const vmId = await createVm(careless, token);
  await careless.graphql(token, 'mutation ($id: ID!) { startVm(id: $id) { id } }', { id: vmId });
  await eventsUntil(careless, token, { vmId, after: '0' }, ({ status }) => status === 'RUNNING');
}, 90_000);

it("the VMs of a region use the operator's runtime and egress", async () => {
  const env = { RUNTIMES: 'AU=io.containerd.runc.v2,US=no-such-runtime', VM_EGRESS: 'none' };
  await using gateway = await createTestGateway({ env });
  const token = await gateway.token('chosen');
  const startIn = async (region: string, end: string) => {
    const vmId = await createVm(gateway, token, { region });
    await gateway.graphql(token, 'mutation ($id: ID!) { startVm(id: $id) { id } }', { id: vmId });
    await eventsUntil(gateway, token, { vmId, after: '0' }, ({ status }) => status === end);
    return vmId;
  };
  const au = await startIn('AU', 'RUNNING');
  const [listed] = await docker.listContainers({ filters: { label: [`${LABEL.machine}=${au}`] } });
  const { HostConfig, NetworkSettings } = await docker.getContainer(listed?.Id ?? '').inspect();
  expect(HostConfig.Runtime).toBe('io.containerd.runc.v2');
  expect(Object.keys(NetworkSettings.Networks)).toEqual(['swiftor-offline']);
  const us = await startIn('US', 'FAILED');
  const { data } = await gateway.graphql(token, 'query ($id: ID!) { vm(id: $id) { lastFailure { code message } } }', {
    id: us,
  });
  expect(data).toMatchObject({
    vm: { lastFailure: { code: 'START_FAILED', message: expect.stringContaining('no runtime "no-such-runtime"') } },
  });
}, 60_000);

it('a driver that is closed during a check leaves no command behind', async () => {
  const ownId = newInstallationId();
  onTestFinished(() => removeInstallation(ownId));
  const own = testDriver(ownId, { engineNames });
  const commands = async () =>
    (await docker.listContainers({ all: true, filters: { label: [`${LABEL.installation}=${ownId}`, LABEL.command] } }))
      .length;
  const looking = own.isolate(within()).catch((error: unknown) => error);
  await eventually(async () => (await commands()) > 0);
  await own.close();
  expect(await commands()).toBe(0);
  expect(await looking).toBeInstanceOf(Error);
});
