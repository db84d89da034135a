import { createServer, type ServerResponse } from 'node:http';
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { EnsureProgress } from '../../../src/engine/driver.ts';
import type { MachineSpec } from '../../../src/engine/machine.ts';
import { describeEachEngine, docker, hasImage, machineSpec, testDriver } from '../../support/engine/engines.ts';
import { eventually } from '../../support/eventually.ts';
import { openTinyRegistry } from '../../support/engine/images/tiny-registry.ts';

const within = (seconds = 25) => AbortSignal.timeout(seconds * 1000);
const failureOf = (work: Promise<unknown>) =>
  work.then(
    () => expect.unreachable('it did not fail'),
    (error: unknown) => error,
  );

const orNone = (error: { statusCode?: number }) => {
  expect(error.statusCode).toBe(404);
  return [];
};

const registryOf = async (pauseMilliseconds: number) => {
  const registry = await openTinyRegistry({ pauseMilliseconds });
  onTestFinished(async () => {
    await registry.close();
    // By force it would only lose its name while containers use it.
    const users = await docker.listContainers({ all: true, filters: { ancestor: [registry.imageRef] } }).catch(orNone);
    await Promise.all(users.map(({ Id }) => docker.getContainer(Id).remove({ force: true })));
    await docker.getImage(registry.imageRef).remove().catch(orNone);
  });
  return registry;
};

describeEachEngine('A missing image', ({ driver, installationId }) => {
  const command = ['/bin/busybox', 'sleep', '86400'];
  const track = (spec: MachineSpec, signal = within()) => {
    const progress: EnsureProgress[] = [];
    return { progress, done: driver.ensure(spec, signal, (step) => progress.push(step)) };
  };

  it('is pulled, with one percentage that only grows, before the machine starts', async () => {
    const registry = await registryOf(40);
    const startedAt = performance.now();
    const { progress, done } = track(machineSpec({ imageRef: registry.imageRef, command }));
    expect((await done).state).toBe('running');
    const seconds = (performance.now() - startedAt) / 1000;
    expect(progress.at(-1)).toEqual({ phase: 'starting' });
    const pulling = progress.filter((step) => step.phase === 'pulling');
    expect(pulling).toHaveLength(progress.length - 1);
    const percents = pulling.map(({ percent }) => percent);
    expect(percents).toEqual(percents.toSorted((a, b) => a - b));
    expect(percents.at(-1)).toBe(100);
    expect(percents.some((percent) => percent > 0 && percent < 100)).toBe(true);
    expect(pulling.at(-1)?.bytesDone).toBe(pulling.at(-1)?.bytesTotal);
    expect(pulling.at(-1)?.bytesTotal).toBeGreaterThan(2 * 1024 * 1024);
    expect(pulling.length).toBeLessThanOrEqual(4 * seconds + 2);
  });

  it('is pulled once for all who ask at once, and each sees the progress', async () => {
    const registry = await registryOf(20);
    const asked = [1, 2, 3, 4, 5].map(() => track(machineSpec({ imageRef: registry.imageRef, command })));
    await Promise.all(asked.map(({ done }) => done));
    expect(registry.manifestRequests()).toBe(1);
    for (const { progress } of asked)
      expect(progress.some((step) => step.phase === 'pulling' && step.percent < 100)).toBe(true);
  });

  it('goes on being pulled for who still waits when another leaves', async () => {
    const registry = await registryOf(20);
    const abort = new AbortController();
    const leaver = track(machineSpec({ imageRef: registry.imageRef, command }), abort.signal);
    const stayer = track(machineSpec({ imageRef: registry.imageRef, command }));
    await eventually(() => registry.sentBytes() > 0 && stayer.progress.length > 0);
    const reason = new Error('stopped');
    abort.abort(reason);
    expect(await failureOf(leaver.done)).toBe(reason);
    expect((await stayer.done).state).toBe('running');
    expect(registry.manifestRequests()).toBe(1);
  });

  it('is not pulled on when nobody waits any more', async () => {
    const registry = await registryOf(50);
    const abort = new AbortController();
    const asked = [1, 2].map(() => track(machineSpec({ imageRef: registry.imageRef, command }), abort.signal));
    await eventually(() => registry.sentBytes() > 0);
    abort.abort(new Error('stopped'));
    await Promise.all(asked.map(({ done }) => failureOf(done)));
    // The engine hangs up on the registry, which is then sending to nobody.
    await eventually(() => registry.openTransfers() === 0);
    expect(registry.sentBytes()).toBeLessThan(registry.layerBytes);
    expect(await hasImage(registry.imageRef)).toBe(false);
  });

  it('that stops coming is PULL_STALLED', async () => {
    const registry = await registryOf(5);
    registry.stall();
    const impatient = testDriver(installationId, { pullStallMilliseconds: 1500 });
    onTestFinished(() => impatient.close());
    const error = await failureOf(
      impatient.ensure(machineSpec({ imageRef: registry.imageRef, command }), within(), () => undefined),
    );
    expect(error).toMatchObject({ code: 'PULL_STALLED', message: expect.stringContaining(registry.imageRef) });
  });

  it('that the registry does not have is IMAGE_NOT_FOUND', async () => {
    const registry = await registryOf(5);
    const { done } = track(machineSpec({ imageRef: registry.missingRef }));
    expect(await failureOf(done)).toMatchObject({
      code: 'IMAGE_NOT_FOUND',
      message: expect.stringContaining('manifest unknown'),
    });
  });

  it('whose registry cannot be reached is stood in for by the local image of the spec, where that was built', async () => {
    // Port 9 of loopback: nothing listens, so the engine's connection is refused at once.
    const imageRef = 'localhost:9/swiftor-test/away:1';
    const built = machineSpec({ imageRef, localImageRef: 'swiftor-test/tiny:1', command });
    const observed = await driver.ensure(built, within(), () => undefined);
    expect(observed.state).toBe('running');
    expect(observed.image).toMatchObject({ reference: 'swiftor-test/tiny:1', standInFor: imageRef });
    expect((await driver.ensure(built, within(), () => undefined)).ref).toBe(observed.ref);
    const missing = machineSpec({ imageRef, localImageRef: 'local/swiftor-test-never-built:1', command });
    expect(await failureOf(driver.ensure(missing, within(), () => undefined))).toMatchObject({
      code: 'PULL_FAILED',
      message: expect.stringMatching(/could not be reached.*local\/swiftor-test-never-built:1/s),
    });
  });

  it('whose registry does not listen, or has no address, is PULL_FAILED, and says that it could not be reached', async () => {
    for (const imageRef of ['127.0.0.1:1/absent:1', 'registry.invalid/absent:1']) {
      const error = await failureOf(driver.ensure(machineSpec({ imageRef }), within(), () => undefined));
      expect(error).toMatchObject({ code: 'PULL_FAILED', message: expect.stringContaining('could not be reached') });
    }
  });
});

/** What no registry makes a real engine do: an engine of which only the answer to a pull is scripted. */
const ensureWith = async (answerPull: (response: ServerResponse) => void) => {
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    const json = (status: number, body: unknown) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    };
    if (path.startsWith('/containers/json')) json(200, []);
    else if (path.startsWith('/networks')) {
      json(200, [{ Name: 'swiftor-vms', Id: 'n', Options: { 'com.docker.network.bridge.enable_icc': 'false' } }]);
    } else if (path.startsWith('/images/create')) answerPull(response);
    else json(404, { message: 'No such image: x' });
  });
  const socketPath = join(tmpdir(), `swiftor-${randomUUID().slice(0, 8)}.sock`);
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  const driver = testDriver('none', { endpoint: `unix://${socketPath}`, pullStallMilliseconds: 300 });
  onTestFinished(async () => {
    await driver.close();
    server.close();
  });
  return failureOf(driver.ensure(machineSpec({ imageRef: 'somewhere.invalid/x:1' }), within(10), () => undefined));
};

describe('A pull whose stream goes wrong', () => {
  const layer = '{"status":"Downloading","progressDetail":{"current":5,"total":10},"id":"a"}\n';

  it.each<[string, string, (response: ServerResponse) => void]>([
    [
      'an error line in a stream of status 200',
      'PULL_FAILED',
      (response) => response.end(`${layer}{"error":"unexpected trouble"}\n`),
    ],
    ['a full disk', 'NO_SPACE', (response) => response.end(`${layer}{"error":"write /x: no space left on device"}\n`)],
    ['a cut connection', 'ENGINE_UNREACHABLE', (response) => response.write(layer, () => response.socket?.destroy())],
    ['half a line', 'ENGINE_REFUSED', (response) => response.end(`${layer}{"status":"Pull comp`)],
    ['a line that is no JSON', 'ENGINE_REFUSED', (response) => response.end(`${layer}<html>\n${layer}`)],
    ['an end without the image', 'PULL_FAILED', (response) => response.end(layer)],
    ['silence after the first line', 'PULL_STALLED', (response) => response.write(layer)],
    ['silence', 'PULL_STALLED', () => undefined],
  ])('with %s is %s', async (_, code, answerPull) => {
    expect(await ensureWith(answerPull)).toMatchObject({ name: 'EngineError', code });
  });
});
