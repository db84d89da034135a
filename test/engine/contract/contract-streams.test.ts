import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { describeEachEngine, docker, IDLE, machineSpec, testDriver, testImage } from '../../support/engine/engines.ts';
import { contractTools, failureOf, nextEvent, within } from '../../support/engine/engine-contract.ts';

beforeAll(async () => {
  await testImage();
});

describeEachEngine('The driver contract, events, logs and stats', (engine) => {
  const { driver, installationId } = engine;
  const { ensure, linesOf, textsOf } = contractTools(engine);

  describe('events', () => {
    it('tell of each step of a life, the exit with its code', async () => {
      const abort = new AbortController();
      const events = driver.events(abort.signal)[Symbol.asyncIterator]();
      onTestFinished(() => abort.abort());
      const spec = machineSpec({ command: IDLE });
      const { ref } = await ensure(spec);
      await nextEvent(events, spec.id, 'created');
      await nextEvent(events, spec.id, 'started');
      const container = docker.getContainer(ref);
      await container.pause();
      await nextEvent(events, spec.id, 'paused');
      await container.unpause();
      await nextEvent(events, spec.id, 'resumed');
      await container.rename({ name: `renamed-${spec.id}` });
      await nextEvent(events, spec.id, 'renamed');
      // Behind the driver's back.
      await container.kill();
      expect(await nextEvent(events, spec.id, 'exited')).toEqual({ id: spec.id, ref, action: 'exited', exitCode: 137 });
      await driver.remove(spec.id, [], within());
      await nextEvent(events, spec.id, 'removed');
    });

    it('tell of a running container that was cut off its network, which has no address then', async () => {
      const abort = new AbortController();
      onTestFinished(() => abort.abort());
      const events = driver.events(abort.signal)[Symbol.asyncIterator]();
      const spec = machineSpec({ command: IDLE });
      const { ref } = await ensure(spec);
      await nextEvent(events, spec.id, 'started');
      await docker.getNetwork('swiftor-vms').disconnect({ Container: ref });
      await nextEvent(events, spec.id, 'disconnected');
      const seen = await driver.observe(spec.id, within());
      expect(seen?.state).toBe('running');
      expect(seen).not.toHaveProperty('address');
    });

    it('end at once when their reader leaves, also while it waits', async () => {
      const events = driver.events(within())[Symbol.asyncIterator]();
      const waiting = events.next();
      const startedAt = performance.now();
      await events.return?.();
      expect(performance.now() - startedAt).toBeLessThan(500);
      expect((await waiting).done).toBe(true);
    });

    it('end with the reason of an abort', async () => {
      const abort = new AbortController();
      const events = driver.events(abort.signal)[Symbol.asyncIterator]();
      const waiting = failureOf(events.next());
      const reason = new Error('enough');
      abort.abort(reason);
      expect(await waiting).toBe(reason);
    });

    it('end with an EngineError when the connection breaks', async () => {
      const other = testDriver(installationId);
      const events = other.events(within())[Symbol.asyncIterator]();
      const spec = machineSpec({ command: ['/bin/true'] });
      await ensure(spec);
      await nextEvent(events, spec.id, 'started');
      await other.close();
      const error = await failureOf(
        (async () => {
          while ((await events.next()).done !== true);
        })(),
      );
      expect(error).toMatchObject({ name: 'EngineError', code: 'ENGINE_UNREACHABLE' });
    });
  });

  describe('logs', () => {
    it('are lines with their time and stream, in order, joined and cut at 16 KiB', async () => {
      const script = [
        'echo first',
        'echo second >&2; sleep 0.2',
        'printf "no "; sleep 0.2; echo end',
        'dd if=/dev/zero bs=1000 count=40 2>/dev/null | tr "\\0" y; echo',
        'echo žluť',
        'printf unfinished',
      ].join('; ');
      const startedAt = Date.now();
      const spec = machineSpec({ command: ['/bin/sh', '-c', script.replace('tr ', '/bin/busybox tr ')] });
      await ensure(spec);
      const lines = await linesOf(spec);
      expect(lines.map(({ text }) => text).toSorted()).toEqual(
        ['first', 'second', 'no end', 'y'.repeat(16 * 1024), 'žluť', 'unfinished'].toSorted(),
      );
      expect(lines.filter(({ stream }) => stream === 'stderr').map(({ text }) => text)).toEqual(['second']);
      for (const { at } of lines) expect(Math.abs(at.getTime() - startedAt)).toBeLessThan(30_000);
      expect(await textsOf(spec, 2)).toEqual(['žluť', 'unfinished']);
    });

    it('follow a container to its end, and end at once when their reader leaves', async () => {
      const spec = machineSpec({
        command: ['/bin/sh', '-c', `echo ready; trap 'echo bye; exit 0' TERM; sleep 86400 & wait`],
      });
      await ensure(spec);
      const follower = driver.logs(spec.id, { tail: 10, follow: true }, within())[Symbol.asyncIterator]();
      const leaver = driver.logs(spec.id, { tail: 10, follow: true }, within())[Symbol.asyncIterator]();
      expect((await follower.next()).value).toMatchObject({ text: 'ready' });
      expect((await leaver.next()).value).toMatchObject({ text: 'ready' });
      const waiting = leaver.next();
      await leaver.return?.();
      expect((await waiting).done).toBe(true);
      const next = follower.next();
      await driver.stop(spec.id, within());
      expect((await next).value).toMatchObject({ text: 'bye' });
      expect((await follower.next()).done).toBe(true);
    });

    it('of a machine without a container are none', async () => {
      expect(await linesOf({ id: randomUUID() })).toEqual([]);
    });
  });

  it('stats show a busy core and memory below the limit, and end with the container', async () => {
    const spec = machineSpec({ command: ['/bin/sh', '-c', 'trap "exit 0" TERM; while :; do :; done'], cpu: 0.5 });
    await ensure(spec);
    const readings = [];
    for await (const reading of driver.stats(spec.id, within())) {
      readings.push(reading);
      if (readings.length === 2) await driver.stop(spec.id, within());
    }
    const [, reading] = readings;
    // Half a core is what it may use at most; other work on the host may leave it less.
    expect(reading?.cpuPercent).toBeGreaterThan(5);
    expect(reading?.cpuPercent).toBeLessThan(75);
    expect(reading?.memoryBytes).toBeGreaterThan(0);
    expect(reading).toMatchObject({ memoryLimitBytes: spec.memoryBytes, at: expect.any(Date) });
    expect(reading?.memoryBytes).toBeLessThan(spec.memoryBytes);
  });
});
