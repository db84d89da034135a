import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import {
  docker,
  hasImage,
  machineSpec,
  newInstallationId,
  removeInstallation,
  testDriver,
} from '../../support/engine/engines.ts';
import { eventually } from '../../support/eventually.ts';
import { openTestRegistry, type TestRegistry } from '../../support/engine/images/registry.ts';
import { createVm } from '../../support/vm/vms.ts';
import { testToken } from '../../support/gateway/tokens.ts';
import { useGateway } from '../../support/gateway/use-gateway.ts';
import { containersOf, createVmProbe } from '../../support/vm/vm-probe.ts';

const KB = 1000;
const MB = 1000 * KB;

/** Each test has an image of its own, which no engine has before it. */
const IMAGES = {
  shown: [1.5 * MB, 1 * MB, 0.5 * MB],
  asked: [1 * MB],
  quick: [10 * KB],
  shared: [1.5 * MB, 1 * MB],
  again: [1.5 * MB, 1 * MB],
  cut: [600 * KB, 300 * KB],
  refused: [10 * KB],
  left: [2 * MB],
  given: [2 * MB],
} as const;
type ImageName = keyof typeof IMAGES;

let registry: TestRegistry;
const refs = new Map<string, string>();

beforeAll(async () => {
  registry = await openTestRegistry();
  for (const [name, layers] of Object.entries(IMAGES)) refs.set(name, await registry.push(name, layers));
});
// After the gateway's containers, which hold its images.
afterAll(() => registry?.[Symbol.asyncDispose]());
const gateway = useGateway(() => ({
  distributions: [...refs].map(([code, image]) => ({
    code,
    image,
    defaultPort: 3000,
    stopGraceSeconds: 2,
    bootSeconds: 20,
  })),
}));
const token = await testToken('alice', { plan: 'unlimited' });

const refOf = (image: ImageName): string => refs.get(image) ?? '';
const vmOf = (image: ImageName, region = 'AU') =>
  createVm(gateway, token, { distribution: image, desktop: null, region });
const { start } = createVmProbe(gateway, token);
interface Progress {
  readonly percent: number;
  readonly message: string;
  readonly bytesDone: number | null;
  readonly bytesTotal: number | null;
}
interface BootEvent {
  readonly kind: string;
  readonly vmId: string;
  readonly status: string;
  readonly at: string;
  readonly vm: { readonly status: string; readonly progress: Progress | null } | null;
}
interface Watch {
  readonly events: readonly BootEvent[];
  /** Statuses that events reported, the VM's first one included. */
  told(vmId: string): string[];
  progressOf(vmId: string, status: string): Progress[];
}

const PROGRESS = 'progress { percent message bytesDone bytesTotal }';
const SUBSCRIPTION = `subscription ($vmId: ID) { vmEvents(vmId: $vmId) { kind vmId status at vm { status ${PROGRESS} } } }`;

/** Subscribes, to one VM or to all, until the test's end. Resolves when nothing can be missed any more. */
async function watch(vmId?: string): Promise<Watch> {
  const client = gateway.subscribe(token);
  onTestFinished(() => void client.dispose());
  const events: BootEvent[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  client.subscribe<{ vmEvents: BootEvent }>(
    { query: SUBSCRIPTION, variables: { vmId } },
    {
      next({ data, errors }) {
        if (data?.vmEvents == null) reject(new Error(JSON.stringify(errors)));
        else events.push(data.vmEvents);
        resolve();
      },
      error: (error) => reject(error instanceof Error ? error : new Error(JSON.stringify(error))),
      complete: () => resolve(),
    },
  );
  await promise;
  const of = (id: string) => events.filter((event) => event.vmId === id);
  return {
    events,
    told: (id) =>
      of(id)
        .filter(({ kind }) => kind !== 'PROGRESS')
        .map(({ status }) => status),
    progressOf: (id, status) =>
      of(id).flatMap((event) =>
        event.kind === 'PROGRESS' && event.status === status && event.vm?.progress ? [event.vm.progress] : [],
      ),
  };
}

const toldUntil = (seen: Watch, id: string, status: string, deadline = 25_000) =>
  eventually(() => seen.told(id).at(-1) === status, { deadline });

/** Asserts that each PROGRESS event has the status of the last STATUS event. */
function expectInStep({ events }: Watch): void {
  const current = new Map<string, string>();
  for (const { kind, vmId, status } of events) {
    if (kind === 'PROGRESS') expect([vmId, status]).toEqual([vmId, current.get(vmId)]);
    else current.set(vmId, status);
  }
}

const BOOT = ['QUEUED', 'PULLING', 'STARTING', 'BOOTING', 'RUNNING'];

describe('a boot that downloads its image', () => {
  it('tells each step, and of the download one percentage over all layers that only grows, at most four times a second', async () => {
    registry.proxy.heal();
    registry.proxy.rules.bytesPerSecond = 1 * MB;
    const id = await vmOf('shown');
    const seen = await watch(id);
    await start(id);
    await toldUntil(seen, id, 'RUNNING');
    expect(seen.told(id)).toEqual(['STOPPED', ...BOOT]);
    expectInStep(seen);

    const pulling = seen.progressOf(id, 'PULLING');
    const percents = pulling.map(({ percent }) => percent);
    expect(percents).toEqual(percents.toSorted((a, b) => a - b));
    expect(new Set(percents.filter((percent) => percent > 0 && percent < 100)).size).toBeGreaterThanOrEqual(4);
    const sum = IMAGES.shown.reduce((total, bytes) => total + bytes, 0);
    expect(pulling.at(-1)?.bytesTotal).toBeGreaterThanOrEqual(sum);
    for (const { bytesDone, bytesTotal, message } of pulling) {
      expect(bytesDone).toBeLessThanOrEqual(bytesTotal ?? 0);
      expect(message).toContain(refOf('shown'));
    }
    const times = seen.events
      .filter(({ kind, status }) => kind === 'PROGRESS' && status === 'PULLING')
      .map(({ at }) => Date.parse(at));
    const seconds = ((times.at(-1) ?? 0) - (times[0] ?? 0)) / 1000;
    expect(seconds).toBeGreaterThan(2);
    expect(times.length).toBeLessThanOrEqual(4 * seconds + 1);
    expect(
      seen.progressOf(id, 'BOOTING').every(({ percent, message }) => percent === 100 && message.includes('port 3000')),
    ).toBe(true);
  });

  it('shows the same to who asks instead of listening', async () => {
    registry.proxy.heal();
    registry.proxy.rules.bytesPerSecond = 0.5 * MB;
    const id = await vmOf('asked');
    const ask = async () => {
      const { data } = await gateway.graphql<{ vm: { status: string; progress: Progress | null } }>(
        token,
        `query ($id: ID!) { vm(id: $id) { status ${PROGRESS} } }`,
        { id },
      );
      return data?.vm;
    };
    expect(await ask()).toEqual({ status: 'STOPPED', progress: null });
    await start(id);
    const answers: { status: string; progress: Progress | null }[] = [];
    await eventually(async () => {
      const answer = await ask();
      if (answer !== undefined) answers.push(answer);
      return answer?.status === 'RUNNING';
    });
    expect(answers.at(-1)?.progress).toBeNull();
    const pulling = answers.flatMap(({ status, progress }) => (status === 'PULLING' && progress ? [progress] : []));
    const percents = pulling.map(({ percent }) => percent);
    expect(percents).toEqual(percents.toSorted((a, b) => a - b));
    expect(new Set(percents).size).toBeGreaterThanOrEqual(4);
    expect(
      pulling.some(({ bytesDone, bytesTotal }) => (bytesDone ?? 0) > 0 && (bytesDone ?? 0) < (bytesTotal ?? 0)),
    ).toBe(true);
    // What it said of the step before is not said of this one.
    const later = answers.filter(({ status }) => status === 'STARTING' || status === 'BOOTING');
    for (const { progress } of later)
      expect(progress).toMatchObject({ percent: 100, bytesDone: null, bytesTotal: null });
  });

  it('tells each step also when all are over at once', async () => {
    registry.proxy.heal();
    const id = await vmOf('quick');
    const seen = await watch(id);
    await start(id);
    await toldUntil(seen, id, 'RUNNING');
    expect(seen.told(id)).toEqual(['STOPPED', ...BOOT]);
    expectInStep(seen);
  });
});

describe('VMs that need the same missing image', () => {
  // An attempt leaves its image there.
  const images: ImageName[] = ['shared', 'again'];

  it('make one download of it, in whichever region of the engine, and each shows it', async () => {
    registry.proxy.heal();
    registry.proxy.rules.bytesPerSecond = 0.8 * MB;
    const image = images.shift() ?? 'shared';
    const ids = await Promise.all(Array.from({ length: 20 }, (_, index) => vmOf(image, index % 2 === 0 ? 'AU' : 'US')));
    const seen = await watch();
    await Promise.all(ids.map(start));
    await eventually(() => ids.every((id) => seen.told(id).at(-1) === 'RUNNING'), { deadline: 50_000 });
    expectInStep(seen);
    for (const id of ids) {
      expect(seen.told(id)).toEqual(['STOPPED', ...BOOT]);
      const percents = seen.progressOf(id, 'PULLING').map(({ percent }) => percent);
      expect(percents).toEqual(percents.toSorted((a, b) => a - b));
      expect(percents.some((percent) => percent > 0 && percent < 100)).toBe(true);
    }
    // Once for the pull of all; the watch of what engines could start asks registries as well.
    expect(registry.proxy.manifestsAsked(image)).toBeLessThanOrEqual(3);
    const blobs = registry.proxy.blobsAsked(image);
    // Its layers and its configuration, each once.
    expect(blobs.length).toBeGreaterThanOrEqual(3);
    expect(new Set(blobs).size).toBe(blobs.length);
    await Promise.all(ids.map((id) => gateway.rest(token, 'DELETE', `/vms/delete/${id}`)));
    await eventually(() => ids.every((id) => seen.told(id).at(-1) === 'DELETED'), { deadline: 25_000 });
  }, 90_000);

  it('go on with it when others of them are stopped or deleted, of which nothing starts any more', async () => {
    registry.proxy.heal();
    registry.proxy.rules.bytesPerSecond = 0.4 * MB;
    const [stays, stopped, deleted] = await Promise.all([vmOf('left'), vmOf('left'), vmOf('left')]);
    const seen = await watch();
    const begun = Math.floor(Date.now() / 1000);
    await Promise.all([stays, stopped, deleted].map(start));
    const isUnderWay = (id: string) => seen.progressOf(id, 'PULLING').some(({ percent }) => percent > 0);
    await eventually(() => [stays, stopped, deleted].every(isUnderWay));
    await gateway.rest(token, 'POST', `/vms/stop/${stopped}`);
    await gateway.rest(token, 'DELETE', `/vms/delete/${deleted}`);
    await Promise.all([toldUntil(seen, stopped, 'STOPPED', 10_000), toldUntil(seen, deleted, 'DELETED', 10_000)]);
    expect(seen.told(stays).at(-1)).toBe('PULLING');
    registry.proxy.heal();
    await toldUntil(seen, stays, 'RUNNING');
    expect(new Set(registry.proxy.blobsAsked('left')).size).toBe(registry.proxy.blobsAsked('left').length);
    expect(seen.told(stopped)).toEqual(['STOPPED', 'QUEUED', 'PULLING', 'STOPPING', 'STOPPED']);
    expect(seen.told(deleted)).toEqual(['STOPPED', 'QUEUED', 'PULLING', 'DELETING', 'DELETED']);
    expectInStep(seen);
    for (const id of [stopped, deleted]) {
      const filters = { label: [`io.swiftor.vm=${id}`], event: ['create', 'start'] };
      const told = await docker.getEvents({ filters, since: begun, until: Math.floor(Date.now() / 1000) + 1 });
      const happened: string[] = [];
      for await (const chunk of told) happened.push(String(chunk));
      expect(happened).toEqual([]);
      expect(await containersOf(id)).toEqual([]);
    }
  });

  it('end it when the last of them is stopped', async () => {
    registry.proxy.heal();
    registry.proxy.rules.bytesPerSecond = 0.2 * MB;
    const id = await vmOf('given');
    const seen = await watch(id);
    await start(id);
    await eventually(() => seen.progressOf(id, 'PULLING').some(({ percent }) => percent > 0));
    await gateway.rest(token, 'POST', `/vms/stop/${id}`);
    await toldUntil(seen, id, 'STOPPED', 10_000);
    await eventually(() => registry.proxy.openTransfers() === 0);
    expect(await hasImage(refOf('given'))).toBe(false);
    expect(await containersOf(id)).toEqual([]);
  });
});

describe('a download that goes wrong', () => {
  const failureOf = async (id: string) => {
    const { data } = await gateway.graphql<{
      vm: { lastFailure: { at: string; retryAt: string } & Record<string, unknown> };
    }>(
      token,
      'query ($id: ID!) { vm(id: $id) { lastFailure { step code message exitCode oomKilled logTail at retryAt } } }',
      { id },
    );
    return data?.vm.lastFailure;
  };

  it('is never taken for done when it is cut, says so, and comes through by itself once the way is whole', async () => {
    registry.proxy.heal();
    registry.proxy.rules.cutBlobsAfter = 200 * KB;
    const id = await vmOf('cut');
    const seen = await watch(id);
    await start(id);
    // The engine itself tries a cut layer again after 5 s; then it finds a registry that has had enough of it.
    const cutOnce = () => registry.proxy.blobsAsked('cut').length >= 2 && registry.proxy.openTransfers() === 0;
    await eventually(cutOnce);
    registry.proxy.rules.blobStatus = 429;
    await toldUntil(seen, id, 'FAILED');
    expect(await hasImage(refOf('cut'))).toBe(false);
    expect(await containersOf(id)).toEqual([]);
    const failure = await failureOf(id);
    expect(failure).toMatchObject({
      step: 'PULLING',
      code: 'PULL_FAILED',
      message: expect.stringContaining(refOf('cut')),
      exitCode: null,
      oomKilled: false,
      logTail: [],
    });
    expect(Date.parse(failure?.retryAt ?? '')).toBeGreaterThan(Date.parse(failure?.at ?? ''));
    registry.proxy.heal();
    await toldUntil(seen, id, 'RUNNING');
    // The retry reports the same steps as the first try.
    const told = seen.told(id);
    expect(told.slice(0, 4)).toEqual(['STOPPED', 'QUEUED', 'PULLING', 'FAILED']);
    expect(told.slice(-6)).toEqual(['FAILED', ...BOOT]);
    expectInStep(seen);
  }, 60_000);

  it.each([429, 500, 401])(
    'is tried again by itself when the registry answers %d, and then comes through',
    async (status) => {
      registry.proxy.heal();
      registry.proxy.rules.manifestStatus = status;
      await registry.forget(refOf('refused'));
      const id = await vmOf('refused');
      const seen = await watch(id);
      await start(id);
      await toldUntil(seen, id, 'FAILED');
      expect(await failureOf(id)).toMatchObject({ step: 'PULLING', code: 'PULL_FAILED' });
      registry.proxy.heal();
      await toldUntil(seen, id, 'RUNNING');
      expect(seen.told(id).slice(-6)).toEqual(['FAILED', ...BOOT]);
      await gateway.rest(token, 'DELETE', `/vms/delete/${id}`);
      await toldUntil(seen, id, 'DELETED');
    },
  );

  it('and brings nothing is a stall; slow is none, however long it takes', async () => {
    registry.proxy.heal();
    const installationId = newInstallationId();
    const driver = testDriver(installationId, { pullStallMilliseconds: 1_500 });
    onTestFinished(async () => {
      await driver.close();
      await removeInstallation(installationId);
    });
    const imageRef = await registry.push('stalled', [400 * KB]);
    registry.proxy.rules.stallBlobsAfter = 100 * KB;
    const ensure = () => driver.ensure(machineSpec({ imageRef }), AbortSignal.timeout(25_000), () => undefined);
    await expect(ensure()).rejects.toMatchObject({
      code: 'PULL_STALLED',
      message: expect.stringContaining('received no data for 1.5 s'),
    });
    expect(await hasImage(imageRef)).toBe(false);
    registry.proxy.heal();
    registry.proxy.rules.bytesPerSecond = 100 * KB;
    const begun = performance.now();
    expect((await ensure()).state).toBe('running');
    expect(performance.now() - begun).toBeGreaterThan(3_000);
  });
});
