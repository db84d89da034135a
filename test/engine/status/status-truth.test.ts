import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, onTestFinished, expect, it } from 'vitest';
import { docker } from '../../support/engine/engines.ts';
import { openEngineProxy, type EngineProxy } from '../../support/engine/proxied/engine-proxy.ts';
import { eventually } from '../../support/eventually.ts';
import { openVm } from '../../support/ingress/open-vm.ts';
import { createVm } from '../../support/vm/vms.ts';
import { testToken } from '../../support/gateway/tokens.ts';
import { useGateway } from '../../support/gateway/use-gateway.ts';
import { containersOf, createVmProbe } from '../../support/vm/vm-probe.ts';

/** Two ways to one engine, so that two failures of an engine can be tested at once. */
const REGIONS = ['AU', 'US'] as const;
type Region = (typeof REGIONS)[number];
let proxies: Readonly<Record<Region, EngineProxy>>;
beforeAll(async () => {
  const [AU, US] = await Promise.all([openEngineProxy(), openEngineProxy()]);
  proxies = { AU, US };
});
afterAll(() => Promise.all(REGIONS.map((region) => proxies[region][Symbol.asyncDispose]())));
const gateway = useGateway(() => ({
  env: { REGIONS: REGIONS.map((region) => `${region}=${proxies[region].endpoint}`).join() },
}));
const token = await testToken('alice', { plan: 'unlimited' });

interface Shown {
  readonly status: string;
  readonly observedAt: string | null;
  readonly enabled: boolean;
  readonly lastFailure: { readonly code: string; readonly at: string } | null;
}
async function show(id: string): Promise<Shown | null> {
  const { data, errors } = await gateway.graphql<{ vm: Shown | null }>(
    token,
    'query ($id: ID!) { vm(id: $id) { status observedAt enabled lastFailure { code at } } }',
    { id },
  );
  if (data === undefined) throw new Error(JSON.stringify(errors));
  return data.vm;
}
const statusOf = async (id: string): Promise<string> => (await show(id))?.status ?? 'gone';
const { start } = createVmProbe(gateway, token);

async function runningVm(region: Region = 'AU'): Promise<string> {
  const id = await createVm(gateway, token, { region });
  await start(id);
  await eventually(async () => (await statusOf(id)) === 'RUNNING', { deadline: 30_000 });
  return id;
}
async function containerOf(id: string) {
  const [found] = await containersOf(id);
  if (found === undefined) throw new Error(`The VM ${id} has no container.`);
  return docker.getContainer(found.Id);
}

/** The truth, asked past the gateway: whether the app of the VM answers at its container's address. */
async function answers(id: string): Promise<boolean> {
  const running = await docker.listContainers({ filters: { label: [`io.swiftor.vm=${id}`], status: ['running'] } });
  const address = running[0]?.NetworkSettings.Networks['swiftor-vms']?.IPAddress;
  if (address === undefined || address === '') return false;
  return fetch(`http://${address}:3000/`, { signal: AbortSignal.timeout(300) }).then(
    (response) => response.ok,
    () => false,
  );
}

/**
 * For how long, in ms, RUNNING was shown at a stretch while the app did not answer; sampled until it runs again after
 * the harm.
 */
async function longestLie(id: string, harm: () => Promise<unknown>): Promise<number> {
  let since: number | undefined;
  let longest = 0;
  let seenDown = false;
  await harm();
  await eventually(
    async () => {
      const [shown, true_] = await Promise.all([statusOf(id), answers(id)]);
      const lying = shown === 'RUNNING' && !true_;
      since = lying ? (since ?? performance.now()) : undefined;
      if (since !== undefined) longest = Math.max(longest, performance.now() - since);
      seenDown ||= shown !== 'RUNNING';
      return seenDown && shown === 'RUNNING' && true_;
    },
    { deadline: 45_000 },
  );
  return longest;
}

const MANIPULATIONS: readonly (readonly [string, (id: string) => Promise<unknown>])[] = [
  ['killed', async (id) => (await containerOf(id)).kill()],
  ['stopped by hand', async (id) => (await containerOf(id)).stop({ t: 0 })],
  ['removed by hand', async (id) => (await containerOf(id)).remove({ force: true })],
  [
    'cut off from its network',
    async (id) => docker.getNetwork('swiftor-vms').disconnect({ Container: (await containerOf(id)).id, Force: true }),
  ],
  ['paused', async (id) => (await containerOf(id)).pause()],
];

describe('RUNNING is not shown for longer than 2 s of an app that is gone, with events', () => {
  it.each(MANIPULATIONS)(
    'when its container is %s',
    async (_what, harm) => {
      const id = await runningVm();
      expect(await longestLie(id, () => harm(id))).toBeLessThan(2_000);
    },
    60_000,
  );
});

// These mostly wait.
describe.concurrent('a VM with the events of its engine', () => {
  it('whose container is restarted by hand is RUNNING again, and its address leads to the new one', async () => {
    const id = await runningVm();
    await (await containerOf(id)).restart({ t: 0 });
    const isBack = async () =>
      (await statusOf(id)) === 'RUNNING' && (await (await openVm(gateway, token, id)).visit()).status === 200;
    await eventually(isBack, { deadline: 20_000 });
    expect(await answers(id)).toBe(true);
  }, 60_000);

  it('whose container is only renamed stays RUNNING all the while', async () => {
    const id = await runningVm();
    const container = await containerOf(id);
    await container.rename({ name: `swiftor-test-renamed-${id}` });
    // Longer than a round of lists and checks.
    const until = performance.now() + 12_000;
    while (performance.now() < until) {
      expect([await statusOf(id), await answers(id)]).toEqual(['RUNNING', true]);
      await delay(100);
    }
    expect((await containerOf(id)).id).toBe(container.id);
  }, 60_000);

  it('whose app stops answering is DEGRADED within 12 s, still enabled, and RUNNING again when it answers', async () => {
    const id = await runningVm();
    const container = await containerOf(id);
    // To every process but the container's first and the one that sends it.
    const signal = async (name: string): Promise<void> => {
      const exec = await container.exec({ Cmd: ['/bin/busybox', 'sh', '-c', `kill -${name} -1`] });
      await exec.start({ Detach: true });
      await eventually(async () => !(await exec.inspect()).Running);
    };
    // The kernel accepts connections for it, and nothing answers: a look at the port alone would call this alive.
    await signal('STOP');
    await eventually(async () => (await statusOf(id)) === 'DEGRADED', { deadline: 12_500 });
    expect(await show(id)).toMatchObject({ enabled: true });
    await signal('CONT');
    await eventually(async () => (await statusOf(id)) === 'RUNNING', { deadline: 12_000 });
    expect((await containerOf(id)).id).toBe(container.id);
  }, 60_000);
});

describe('RUNNING is not shown for longer than 12 s of an app that is gone, without any event', () => {
  it('whatever happened to its container', async () => {
    for (const region of REGIONS) proxies[region].muteEvents(true);
    onTestFinished(() => REGIONS.forEach((region) => proxies[region].muteEvents(false)));
    const vms = await Promise.all(MANIPULATIONS.map(async ([what, harm]) => ({ what, harm, id: await runningVm() })));
    const lies = await Promise.all(
      vms.map(async ({ what, harm, id }) => [what, await longestLie(id, () => harm(id))] as const),
    );
    for (const [what, longest] of lies) expect([what, longest < 12_000]).toEqual([what, true]);
  }, 90_000);
});

describe.concurrent('an engine that does not answer', () => {
  it.each([
    ['refuse', 'AU'],
    ['stall', 'US'],
  ] as const)(
    '(%s) makes its VMs UNKNOWN after 15 s, takes no request down, and is followed by the truth',
    async (way, region) => {
      const proxy = proxies[region];
      onTestFinished(() => proxy.set('open'));
      const [kept, killed] = await Promise.all([runningVm(region), runningVm(region)]);
      const off = await createVm(gateway, token, { region });
      const before = await show(kept);
      proxy.set(way);
      const cut = performance.now();
      await eventually(async () => (await statusOf(kept)) === 'UNKNOWN' && (await statusOf(killed)) === 'UNKNOWN', {
        deadline: 35_000,
      });
      expect(performance.now() - cut).toBeGreaterThan(10_000);
      expect(await statusOf(off)).toBe('STOPPED');
      expect((await show(kept))?.lastFailure?.code).toMatch(/^ENGINE_/);
      expect(Date.parse((await show(kept))?.observedAt ?? '')).toBeLessThan(
        Date.parse(before?.observedAt ?? '') + 30_000,
      );
      const { data } = await gateway.graphql<{ regions: unknown[] }>(token, '{ regions { code available } }');
      expect(data?.regions).toContainEqual({ code: region, available: false });

      // Reads and writes go on: nothing waits for the engine.
      const asked = performance.now();
      for (let count = 0; count < 20; count += 1) await statusOf(kept);
      expect((performance.now() - asked) / 20).toBeLessThan(200);
      expect((await start(off)).status).toBe(200);
      const doomed = await createVm(gateway, token, { region });
      expect((await gateway.rest(token, 'DELETE', `/vms/delete/${doomed}`)).status).toBe(200);
      await (await containerOf(killed)).kill();

      proxy.set('open');
      await eventually(
        async () => {
          const statuses = await Promise.all([kept, killed, off].map(statusOf));
          return statuses.every((status) => status === 'RUNNING') && (await statusOf(doomed)) === 'gone';
        },
        { deadline: 40_000 },
      );
      for (const id of [kept, killed, off]) expect([id, await answers(id)]).toEqual([id, true]);
      expect((await show(kept))?.lastFailure, 'what is over').toBeNull();
    },
    120_000,
  );
});
