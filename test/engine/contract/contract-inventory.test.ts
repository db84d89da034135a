import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { containerNames } from '../../../src/engine/docker/containers/machine-names.ts';
import { LABEL } from '../../../src/engine/labels.ts';
import {
  describeEachEngine,
  docker,
  IDLE,
  machineSpec,
  newInstallationId,
  STUBBORN,
  testImage,
} from '../../support/engine/engines.ts';
import { eventually } from '../../support/eventually.ts';
import { contractTools, volume, volumesOf, within } from '../../support/engine/engine-contract.ts';

beforeAll(async () => {
  await testImage();
});

describeEachEngine('The driver contract, observing and removing machines', (engine) => {
  const { driver } = engine;
  const { ensure, containersOf, linesOf } = contractTools(engine);

  describe('observe', () => {
    it('tells how a process ended', async () => {
      const spec = machineSpec({ command: ['/bin/sh', '-c', 'exit 7'] });
      await ensure(spec);
      const seen = await eventually(async (signal) => {
        const observation = await driver.observe(spec.id, signal);
        return observation?.state === 'exited' && observation;
      });
      expect(seen).toMatchObject({ exitCode: 7, oomKilled: false, startedAt: expect.any(Date) });
    });

    it('tells that memory ran out', async () => {
      const command = ['/bin/sh', '-c', 'exec dd if=/dev/zero of=/dev/null bs=128M count=1'];
      const runOut = async () => {
        const spec = machineSpec({ command, memoryBytes: 16 * 1024 * 1024 });
        await ensure(spec);
        return eventually(async (signal) => {
          const observation = await driver.observe(spec.id, signal);
          return observation?.state === 'exited' && observation;
        });
      };
      // The engine itself misses some when it is busy: one of a few must be told.
      const seen = await eventually(async () => {
        const observation = await runOut();
        expect(observation.exitCode).toBe(137);
        return observation.oomKilled && observation;
      });
      expect(seen.oomKilled).toBe(true);
    });

    it('knows nothing of a machine without a container', async () => {
      expect(await driver.observe(randomUUID(), within())).toBeUndefined();
    });
  });

  describe('stop', () => {
    it('lets a process end by itself, and is done when it had ended before', async () => {
      const spec = machineSpec({ command: IDLE, stopGraceSeconds: 20 });
      await ensure(spec);
      await driver.stop(spec.id, within(10));
      expect(await driver.observe(spec.id, within())).toMatchObject({ state: 'exited', exitCode: 0 });
      await driver.stop(spec.id, within());
      await driver.stop(randomUUID(), within());
    });

    it('kills what does not end within its grace', async () => {
      const spec = machineSpec({ command: STUBBORN, stopGraceSeconds: 1 });
      await ensure(spec);
      const startedAt = performance.now();
      await driver.stop(spec.id, within());
      const seconds = (performance.now() - startedAt) / 1000;
      expect(await driver.observe(spec.id, within())).toMatchObject({ state: 'exited', exitCode: 137 });
      expect(seconds).toBeGreaterThan(0.9);
      expect(seconds).toBeLessThan(6);
    });

    it('stops a paused container', async () => {
      const spec = machineSpec({ command: IDLE });
      const { ref } = await ensure(spec);
      await docker.getContainer(ref).pause();
      await driver.stop(spec.id, within());
      expect((await driver.observe(spec.id, within()))?.state).toBe('exited');
    });
  });

  describe('remove', () => {
    it('leaves nothing but the volumes whose lifetime it was not given', async () => {
      const volumes = [volume({ name: 'short', lifetime: 'until-stop', target: '/short' }), volume({ name: 'long' })];
      const spec = machineSpec({ command: STUBBORN, volumes });
      await ensure(spec);
      await driver.remove(spec.id, ['until-stop'], within());
      expect(await containersOf(spec)).toEqual([]);
      expect(await volumesOf(spec)).toEqual(['long']);
      await driver.remove(spec.id, ['until-stop', 'until-delete'], within());
      expect(await volumesOf(spec)).toEqual([]);
    });

    it('succeeds twice at once, and for a machine that never was', async () => {
      const spec = machineSpec({ command: IDLE, volumes: [volume()] });
      await ensure(spec);
      await Promise.all([
        driver.remove(spec.id, ['until-delete'], within()),
        driver.remove(spec.id, ['until-delete'], within()),
      ]);
      expect(await containersOf(spec)).toEqual([]);
      expect(await volumesOf(spec)).toEqual([]);
      await driver.remove(randomUUID(), ['until-stop', 'until-delete'], within());
    });
  });

  it("leaves foreign containers and volumes alone, also those that hold its names or its machine's id", async () => {
    const spec = machineSpec({ command: IDLE, volumes: [volume()] });
    const Labels = {
      [LABEL.installation]: newInstallationId(),
      [LABEL.machine]: spec.id,
      [LABEL.hash]: spec.hash,
      [LABEL.lifetime]: 'until-delete',
    };
    const [name = ''] = containerNames(engine.installationId, spec);
    const foreign = await docker.createContainer({ name, Image: spec.imageRef, Labels });
    onTestFinished(() => foreign.remove({ force: true }));
    const foreignVolume = await docker.createVolume({ Name: `swiftor-${spec.id}-primary`, Labels });
    onTestFinished(() => foreignVolume.remove());

    const { ref } = await ensure(spec);
    expect(ref).not.toBe(foreign.id);
    const { Mounts } = await docker.getContainer(ref).inspect();
    expect(Mounts.map(({ Name }) => Name)).not.toContain(`swiftor-${spec.id}-primary`);
    const { machines } = await driver.list(within());
    expect(machines.filter(({ id }) => id === spec.id).map((machine) => machine.ref)).toEqual([ref]);
    expect(await driver.address(spec.id, foreign.id, 3000, within())).toBeUndefined();

    await driver.stop(spec.id, within());
    await driver.remove(spec.id, ['until-stop', 'until-delete'], within());
    expect(await driver.observe(spec.id, within())).toBeUndefined();
    expect((await foreign.inspect()).Id).toBe(foreign.id);
    expect((await foreignVolume.inspect()).Labels).toEqual(Labels);
  });

  it('lists its machines and volumes with their labels', async () => {
    const spec = machineSpec({ command: IDLE, volumes: [volume()], labels: { 'io.swiftor.test': 'kept' } });
    const { ref, address, node } = await ensure(spec);
    const { machines, volumes } = await driver.list(within());
    const labels = expect.objectContaining({ 'io.swiftor.test': 'kept', [LABEL.machine]: spec.id });
    expect(machines).toContainEqual(
      expect.objectContaining({ id: spec.id, ref, address, hash: spec.hash, state: 'running', labels }),
    );
    expect(volumes).toContainEqual({ id: spec.id, name: 'primary', labels });
    const own = await driver.listNode(node, within());
    expect(own).toContainEqual(expect.objectContaining({ id: spec.id, ref, address, state: 'running' }));
    expect(own.every((machine) => machine.node === node)).toBe(true);
  });

  it("gives no address of a container that does not run, and none under another machine's id", async () => {
    const spec = machineSpec({ command: IDLE });
    const { ref } = await ensure(spec);
    expect(await driver.address(spec.id, ref, 80, within())).toMatchObject({ port: 80 });
    expect(await driver.address(randomUUID(), ref, 80, within())).toBeUndefined();
    await driver.stop(spec.id, within());
    expect(await driver.address(spec.id, ref, 80, within())).toBeUndefined();
    expect(await driver.address(spec.id, 'f'.repeat(64), 80, within())).toBeUndefined();
  });

  it("adds up the bytes of a machine's volumes", async () => {
    const spec = machineSpec({
      volumes: [volume()],
      command: ['/bin/sh', '-c', 'dd if=/dev/urandom of=/config/data bs=1024 count=300'],
    });
    await ensure(spec);
    await linesOf(spec);
    const { lastingBytes } = (await driver.measureStorage(within())).get(spec.id) ?? {};
    expect(lastingBytes).toBeGreaterThanOrEqual(300 * 1024);
    expect(lastingBytes).toBeLessThan(400 * 1024);
  });
});
