import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { openEngineProxy, type EngineProxy } from '../../support/engine/proxied/engine-proxy.ts';
import {
  docker,
  machineSpec,
  newInstallationId,
  removeInstallation,
  testDriver,
} from '../../support/engine/engines.ts';
import { eventually } from '../../support/eventually.ts';
import { openTestRegistry, type TestRegistry } from '../../support/engine/images/registry.ts';
import { openScriptedEngine, type ScriptedEngine } from '../../support/engine/proxied/scripted-engine.ts';
import { createVm, eventsUntil } from '../../support/vm/vms.ts';
import { testToken } from '../../support/gateway/tokens.ts';
import { useGateway } from '../../support/gateway/use-gateway.ts';
import { createVmProbe } from '../../support/vm/vm-probe.ts';

const TINY = 'swiftor-test/tiny:1';
const shell = (script: string) => ['/bin/sh', '-c', script];
/** Takes memory until there is none: the tiny image's tail keeps what it reads, and here there is no line to end. */
const HOG = 'tail /dev/zero';

let registry: TestRegistry;
let scripted: ScriptedEngine;
let proxy: EngineProxy;
beforeAll(async () => {
  registry = await openTestRegistry();
  scripted = await openScriptedEngine();
  proxy = await openEngineProxy();
});
afterAll(async () => {
  for (const part of [proxy, scripted, registry]) await part?.[Symbol.asyncDispose]();
});
const gateway = useGateway(async () => {
  const app = (code: string, command: string[], more: object = {}) => ({
    code,
    image: TINY,
    defaultPort: 3000,
    command,
    stopGraceSeconds: 2,
    bootSeconds: 10,
    ...more,
  });
  return {
    env: { REGIONS: `AU=unix:///var/run/docker.sock,US=${scripted.endpoint},EU=${proxy.endpoint}` },
    distributions: [
      { code: 'absent', image: registry.missingRef('absent'), defaultPort: 3000 },
      { code: 'pushed', image: await registry.push('pushed'), defaultPort: 3000, stopGraceSeconds: 2, bootSeconds: 10 },
      { code: 'large', image: registry.missingRef('large'), defaultPort: 3000 },
      app('ends-well', shell('echo done; exit 0')),
      app('ends-badly', shell('for i in $(seq 1 30); do echo line $i; done; sleep 0.1; echo the cause >&2; exit 3')),
      app('missing-command', ['/bin/nothing', '--here']),
      app('silent', shell("trap 'exit 0' TERM; echo deaf; sleep 600 & wait"), { bootSeconds: 5 }),
      app('greedy', shell(`exec ${HOG}`)),
      app('greedy-child', shell(`echo working; ${HOG}; echo the child is gone; exit 1`)),
    ],
  };
});
const token = await testToken('alice', { plan: 'unlimited' });

interface Failure {
  readonly step: string;
  readonly code: string;
  readonly message: string;
  readonly exitCode: number | null;
  readonly oomKilled: boolean;
  readonly logTail: readonly string[];
  readonly at: string;
  readonly retryAt: string;
}
interface Seen {
  readonly status: string;
  readonly lastFailure: Failure | null;
}

async function look(id: string): Promise<Seen> {
  const { data, errors } = await gateway.graphql<{ vm: Seen }>(
    token,
    'query ($id: ID!) { vm(id: $id) { status lastFailure { step code message exitCode oomKilled logTail at retryAt } } }',
    { id },
  );
  if (data == null) throw new Error(JSON.stringify(errors));
  return data.vm;
}
const { start, reaches } = createVmProbe(gateway, token);
const restart = (id: string) => gateway.graphql(token, 'mutation ($id: ID!) { restartVm(id: $id) { id } }', { id });
const remove = async (id: string) => {
  await gateway.rest(token, 'DELETE', `/vms/delete/${id}`);
  await eventually(async () => (await gateway.rest(token, 'GET', `/vms/${id}`)).status === 404);
};
const runningOf = (id: string) => docker.listContainers({ filters: { label: [`io.swiftor.vm=${id}`] } });

/**
 * Starts a VM of that kind; why it failed, and the reason that its event gave. Nothing of it runs then, and it is
 * deleted at the test's end.
 */
async function failureOf(
  distribution: string,
  region = 'AU',
): Promise<{ id: string; failure: Failure; reason: string | null }> {
  const id = await createVm(gateway, token, { distribution, desktop: null, region });
  onTestFinished(() => remove(id));
  const events = await eventsUntil(
    gateway,
    token,
    { vmId: id },
    ({ status }) => status === 'FAILED',
    () => start(id),
  );
  expect(await runningOf(id)).toEqual([]);
  const { lastFailure } = await look(id);
  if (lastFailure === null) throw new Error('It failed without a word.');
  expect(Date.parse(lastFailure.retryAt) - Date.parse(lastFailure.at)).toBe(2_000);
  return { id, failure: lastFailure, reason: events.at(-1)?.reason ?? null };
}

describe('the failure of a boot', () => {
  it('for want of the image names it, and who can do what', async () => {
    const { failure, reason } = await failureOf('absent');
    expect(failure).toMatchObject({
      step: 'PULLING',
      code: 'IMAGE_NOT_FOUND',
      exitCode: null,
      oomKilled: false,
      logTail: [],
    });
    expect(failure.message).toContain(registry.missingRef('absent'));
    expect(failure.message).toMatch(/operator has to push it, or to correct the catalog/);
    expect(reason).toBe('ENGINE');
  });

  it('for want of space says whose, and is tried again', async () => {
    scripted.follow(({ method, url }, response) => {
      if (method !== 'POST' || url?.startsWith('/images/create') !== true) return false;
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write('{"status":"Downloading","progressDetail":{"current":5,"total":10},"id":"a"}\n');
      response.end('{"error":"failed to register layer: write /usr/lib/x: no space left on device"}\n');
      return true;
    });
    const { id, failure } = await failureOf('large', 'US');
    expect(failure).toMatchObject({ step: 'PULLING', code: 'NO_SPACE', exitCode: null, oomKilled: false });
    expect(failure.message).toMatch(/disk is full.*operator has to free space/);
    scripted.follow(() => false);
    // It was never in the registry: that is what the next try finds.
    await eventually(async () => (await look(id)).lastFailure?.code === 'IMAGE_NOT_FOUND');
  });

  it('for want of its command names that', async () => {
    const { failure } = await failureOf('missing-command');
    expect(failure).toMatchObject({ step: 'STARTING', code: 'START_FAILED', exitCode: null, oomKilled: false });
    expect(failure.message).toMatch(/no program "\/bin\/nothing" that can be run.*no such file or directory/);
  });

  it('of an app that ends well is not called an error', async () => {
    const { failure, reason } = await failureOf('ends-well');
    expect(failure).toMatchObject({ code: 'APP_EXITED', exitCode: 0, oomKilled: false, logTail: ['done'] });
    expect(['STARTING', 'BOOTING']).toContain(failure.step);
    expect(failure.message).toMatch(/exited without an error/);
    expect(reason).toBe('CRASH');
  });

  it('of an app that ends badly has its exit code and the last 20 lines of this run, not of those before', async () => {
    const { id, failure } = await failureOf('ends-badly');
    expect(failure).toMatchObject({ code: 'APP_EXITED', exitCode: 3, oomKilled: false });
    expect(failure.logTail).toHaveLength(20);
    expect(failure.logTail.slice(-2)).toEqual(['line 30', 'the cause']);
    expect(failure.message).toContain('exit code 3');
    await eventually(
      async () => (await look(id)).lastFailure?.at !== failure.at && (await look(id)).status === 'FAILED',
    );
    expect((await look(id)).lastFailure?.logTail).toHaveLength(20);
    const again = await failureOf('ends-well');
    await eventually(
      async () =>
        (await look(again.id)).lastFailure?.at !== again.failure.at && (await look(again.id)).status === 'FAILED',
    );
    expect((await look(again.id)).lastFailure?.logTail).toEqual(['done']);
  });

  it('of an app that never answers names the port, and ends the app', async () => {
    const { failure, reason } = await failureOf('silent');
    expect(failure).toMatchObject({
      step: 'BOOTING',
      code: 'APP_SILENT',
      exitCode: null,
      oomKilled: false,
      logTail: ['deaf'],
    });
    expect(failure.message).toMatch(/port 3000 within 5 seconds.*was stopped/);
    expect(reason).toBe('DEADLINE');
  });
});

describe('an app that wants more memory than it has', () => {
  it('fails with a message that says so, and what to do', async () => {
    const { failure, reason } = await failureOf('greedy');
    expect(failure).toMatchObject({ code: 'OUT_OF_MEMORY', exitCode: 137, oomKilled: true });
    expect(failure.message).toMatch(/more than its 1 GB.*Stop the VM and give it more/);
    expect(reason).toBe('OOM');
  });

  it('fails with the same message when a child of it was killed and an inspect does not show it, as on busy engines', async () => {
    scripted.follow(({ method, url }, response) => {
      const [, ref] = /\/containers\/([^/]+)\/json$/.exec(url ?? '') ?? [];
      if (method !== 'GET' || ref === undefined) return false;
      void docker
        .getContainer(ref)
        .inspect()
        .then((details) => response.end(JSON.stringify({ ...details, State: { ...details.State, OOMKilled: false } })))
        .catch(() => response.destroy());
      return true;
    });
    onTestFinished(() => scripted.follow(() => false));
    const { failure } = await failureOf('greedy-child', 'US');
    expect(failure).toMatchObject({
      code: 'OUT_OF_MEMORY',
      exitCode: 1,
      oomKilled: true,
      logTail: expect.arrayContaining(['working']),
    });
  });

  it('is known among many that run out at once, to a driver whose events are read', async () => {
    const installationId = newInstallationId();
    const driver = testDriver(installationId);
    const reading = new AbortController();
    // Of one that runs out twice the engine tells twice.
    const heard = new Set<string>();
    const read = async () => {
      for await (const { action, ref } of driver.events(reading.signal)) if (action === 'oom') heard.add(ref);
    };
    const events = read().catch((error: unknown) => error);
    onTestFinished(async () => {
      reading.abort();
      await events;
      await driver.close();
      await removeInstallation(installationId);
    });
    const signal = AbortSignal.timeout(25_000);
    // The engine watches a container's memory only once it has started it: of one that ran out before that it tells
    // nothing.
    const wait = 'until [ -e /tmp/go ]; do sleep 0.05; done';
    const commands = [shell(`${wait}; exec ${HOG}`), shell(`${wait}; ${HOG}; exit 1`)];
    const specs = Array.from({ length: 12 }, (_, index) =>
      machineSpec({ memoryBytes: 16 * 1024 * 1024, shmBytes: 1024 * 1024, command: commands[index % 2] ?? [] }),
    );
    const started = await Promise.all(specs.map((spec) => driver.ensure(spec, signal, () => undefined)));
    const touch = { Cmd: ['touch', '/tmp/go'] };
    await Promise.all(
      started.map(async ({ ref }) => (await docker.getContainer(ref).exec(touch)).start({ Detach: true })),
    );
    const seen = await eventually(
      async () => {
        const all = await Promise.all(specs.map(({ id }) => driver.observe(id, signal)));
        return heard.size >= specs.length && all.every((one) => one?.state === 'exited') && all;
      },
      { deadline: 20_000 },
    );
    expect(seen.map((one) => one?.oomKilled)).toEqual(specs.map(() => true));
    expect(seen.map((one) => one?.exitCode)).toEqual(specs.map((_, index) => (index % 2 === 0 ? 137 : 1)));
  }, 60_000);

  it('is named only as probable when the app was killed by hand', async () => {
    const id = await createVm(gateway, token);
    onTestFinished(() => remove(id));
    await start(id);
    await reaches(id, 'RUNNING');
    const [container] = await runningOf(id);
    await docker.getContainer(container?.Id ?? '').kill();
    await reaches(id, 'FAILED');
    const { lastFailure } = await look(id);
    expect(lastFailure).toMatchObject({ step: 'RUNNING', code: 'APP_EXITED', exitCode: 137, oomKilled: false });
    expect(lastFailure?.message).toMatch(/killed \(exit code 137\), probably for lack of memory/);
    await reaches(id, 'RUNNING');
  });
});

describe('an update that fails', () => {
  it('does not end what runs, is reported, and succeeds when it is asked for again and can', async () => {
    const id = await createVm(gateway, token, { distribution: 'pushed', desktop: null });
    onTestFinished(() => remove(id));
    await start(id);
    await reaches(id, 'RUNNING');
    const [container] = await runningOf(id);
    // Untagged: its container keeps the layers, the name leads nowhere.
    await registry.forget(registry.missingRef('pushed'));
    registry.proxy.rules.manifestStatus = 503;
    await restart(id);
    await eventually(async () => (await look(id)).lastFailure !== null, { deadline: 25_000 });
    expect((await look(id)).lastFailure).toMatchObject({
      code: 'PULL_FAILED',
      message: expect.stringContaining('pushed:1'),
    });
    await reaches(id, 'RUNNING');
    expect((await runningOf(id)).map(({ Id }) => Id)).toEqual([container?.Id]);
    registry.proxy.heal();
    await restart(id);
    await eventually(async () => (await runningOf(id)).some(({ Id }) => Id !== container?.Id), { deadline: 25_000 });
    await reaches(id, 'RUNNING');
    expect((await look(id)).lastFailure).toBeNull();
  });
});

describe('an engine that cannot be reached', () => {
  it('is said to be away, by its region and not by its address, and what was wanted happens when it is back', async () => {
    const id = await createVm(gateway, token, { region: 'EU' });
    onTestFinished(() => remove(id));
    proxy.set('refuse');
    expect((await start(id)).status).toBe(200);
    await reaches(id, 'UNKNOWN');
    const { lastFailure } = await look(id);
    expect(lastFailure).toMatchObject({
      step: 'QUEUED',
      code: 'ENGINE_UNREACHABLE',
      exitCode: null,
      oomKilled: false,
      logTail: [],
    });
    expect(lastFailure?.message).toMatch(/engine of region "EU" does not answer/);
    expect(lastFailure?.message).not.toContain('sock');
    expect(Date.parse(lastFailure?.retryAt ?? '')).toBeGreaterThan(Date.parse(lastFailure?.at ?? ''));
    proxy.set('open');
    await reaches(id, 'RUNNING');
  }, 60_000);
});
