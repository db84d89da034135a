import { existsSync, readdirSync } from 'node:fs';
import { readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { beforeAll, expect, it } from 'vitest';
import { measureCommand } from '../../../src/engine/docker/storage/storage-commands.ts';
import { FILE_BYTES, readStorage } from '../../../src/engine/docker/storage/storage-readings.ts';
import type { EnsureProgress } from '../../../src/engine/driver.ts';
import type { MachineSpec, MachineVolume } from '../../../src/engine/machine.ts';
import { EngineError } from '../../../src/engine/engine-error.ts';
import { LABEL } from '../../../src/engine/labels.ts';
import {
  describeEachEngine,
  docker,
  IDLE,
  machineSpec,
  testDriver,
  testHostCommands,
  testImage,
} from '../../support/engine/engines.ts';
import { eventually } from '../../support/eventually.ts';
import { openEngineWithoutHostAccess } from '../../support/engine/proxied/engine-without-host-access.ts';

const MB = 2 ** 20;
const within = (seconds = 60) => AbortSignal.timeout(seconds * 1000);
const primary = (overrides: Partial<MachineVolume> = {}): MachineVolume => {
  return {
    name: 'primary',
    target: '/config',
    lifetime: 'until-delete',
    mustExist: false,
    sizeBytes: 64 * MB,
    ...overrides,
  };
};
const run = promisify(execFile);

beforeAll(async () => {
  await testImage();
});

describeEachEngine('Storage of a hard size', ({ driver, installationId }) => {
  const ensure = (spec: MachineSpec, onProgress: (progress: EnsureProgress) => void = () => undefined) =>
    driver.ensure(spec, within(), onProgress);
  const outputOf = async (spec: MachineSpec) => {
    await ensure(spec);
    const texts = [];
    for await (const { text } of driver.logs(spec.id, { tail: 100, follow: true }, within())) texts.push(text);
    return texts;
  };
  /** Another container of the machine, which does this and ends. */
  const next = (spec: MachineSpec, script: string, overrides: Partial<MachineSpec> = {}): MachineSpec => {
    return { ...machineSpec(), id: spec.id, volumes: spec.volumes, command: ['/bin/sh', '-c', script], ...overrides };
  };
  const files = async ({ id }: { id: string }) => {
    const { DockerRootDir } = (await docker.info()) as { DockerRootDir: string };
    const directory = `${DockerRootDir}/swiftor/${installationId}.${id}`;
    return { directory, image: `${directory}/primary.img` };
  };
  const loopsOf = async (image: string) =>
    (await run('losetup', ['-n', '-O', 'NAME', '-j', image])).stdout.split('\n').filter(Boolean);
  const stopAndRemove = async ({ id }: MachineSpec) => {
    await driver.stop(id, within());
    await driver.remove(id, ['until-stop'], within());
  };

  it('a machine that fills its volume gets ENOSPC, keeps what it wrote before, and affects no other machine', async () => {
    const script = [
      'ls -a /config; cat /config/from-image',
      'dd if=/dev/zero of=/config/filler bs=1048576 count=200 2>&1',
      'echo free > /tmp/free && cat /tmp/free',
    ];
    const spec = machineSpec({ volumes: [primary()], command: ['/bin/sh', '-c', script.join('; ')] });
    const neighbour = machineSpec({ volumes: [primary()], command: IDLE });
    await ensure(neighbour);
    const phases: EnsureProgress[] = [];
    await ensure(spec, (progress) => phases.push(progress));
    expect(phases).toEqual([{ phase: 'storage', enforcement: 'HARD' }, { phase: 'starting' }]);
    const lines = await outputOf(spec);
    // No lost+found: into an empty volume only does the engine copy what the image has there.
    expect(lines.slice(0, 4)).toEqual(['.', '..', 'from-image', 'from the image']);
    expect(lines[4]).toContain('No space left on device');
    expect(lines.at(-1)).toBe('free');

    const { lastingBytes = 0, scratchBytes } = (await driver.measureStorage(within())).get(spec.id) ?? {};
    expect(lastingBytes).toBeGreaterThan(50 * MB);
    expect(lastingBytes).toBeLessThanOrEqual(64 * MB);
    expect(scratchBytes).toBeLessThan(MB);
    const other = (await driver.measureStorage(within())).get(neighbour.id);
    expect(other?.lastingBytes).toBeLessThan(16 * MB);
    expect(await outputOf(next(neighbour, 'echo fine > /config/fine && cat /config/fine'))).toEqual(['fine']);
  });

  it('is mounted so that nothing in it gains rights or is a device', async () => {
    const spec = machineSpec({ volumes: [primary()], command: ['/bin/sh', '-c', 'cat /proc/mounts'] });
    const mount = (await outputOf(spec)).find((line) => line.includes(' /config '));
    expect(mount?.split(' ')[3]?.split(',')).toEqual(expect.arrayContaining(['nosuid', 'nodev', 'discard']));
  });

  it('keeps its data over stops, and grows with its size at a start, never back', async () => {
    const spec = machineSpec({
      volumes: [primary()],
      command: ['/bin/sh', '-c', 'echo kept > /config/marker; df -m /config'],
    });
    await outputOf({ ...spec, command: ['/bin/sh', '-c', 'echo kept > /config/marker'] });
    await stopAndRemove(spec);
    const { image } = await files(spec);
    const grown = primary({ mustExist: true, sizeBytes: 128 * MB });
    const script =
      'cat /config/marker; dd if=/dev/zero of=/config/filler bs=1048576 count=100 2>/dev/null && echo fits';
    expect(await outputOf(next(spec, script, { volumes: [grown] }))).toEqual(['kept', 'fits']);
    expect((await stat(image)).size).toBe(128 * MB);
    await stopAndRemove(spec);
    expect(await outputOf(next(spec, 'cat /config/marker', { volumes: [primary({ mustExist: true })] }))).toEqual([
      'kept',
    ]);
    expect((await stat(image)).size).toBe(128 * MB);
  });

  it('grows before its first use, and still takes what the image has at its path', async () => {
    const spec = machineSpec({ volumes: [primary()] });
    expect(await driver.ensureVolumes(spec, within())).toBe('HARD');
    const { image } = await files(spec);
    const grown = primary({ mustExist: true, sizeBytes: 96 * MB });
    expect(await outputOf(next(spec, 'ls /config', { volumes: [grown] }))).toEqual(['from-image']);
    expect((await stat(image)).size).toBe(96 * MB);
  });

  it('does not grow under a container that uses it', async () => {
    const spec = machineSpec({ volumes: [primary()], command: IDLE });
    await ensure(spec);
    const { image } = await files(spec);
    const grown = [primary({ mustExist: true, sizeBytes: 96 * MB })];
    await ensure({ ...spec, hash: 'another', volumes: grown });
    expect((await stat(image)).size).toBe(64 * MB);
  });

  it('is found again after a reboot of the host, when loop devices are forgotten and numbered anew', async () => {
    const spec = machineSpec({
      volumes: [primary()],
      command: ['/bin/sh', '-c', 'cat /config/marker 2>/dev/null || echo one > /config/marker'],
    });
    await outputOf(spec);
    const { image } = await files(spec);
    const [device = ''] = await loopsOf(image);
    await run('losetup', ['-d', device]);
    await rm(`/dev/swiftor/${installationId}.${spec.id}.primary`);
    // A process that has its number now must not be taken for it.
    const foreign = `${image}.foreign`;
    await writeFile(foreign, Buffer.alloc(MB));
    const { stdout } = await run('losetup', ['-f', '--show', foreign]);
    try {
      expect(await ensure(spec)).toMatchObject({ id: spec.id });
      const lines = await eventually(async () => {
        const texts = [];
        for await (const { text } of driver.logs(spec.id, { tail: 10, follow: false }, within())) texts.push(text);
        return texts.length > 0 && texts;
      });
      expect(lines).toEqual(['one']);
      expect(await loopsOf(image)).toHaveLength(1);
    } finally {
      await run('losetup', ['-d', stdout.trim()]);
      await rm(foreign);
    }
  });

  it('is attached once by two gateways that start the machine at once', async () => {
    const other = testDriver(installationId);
    try {
      const spec = machineSpec({ volumes: [primary()], command: IDLE });
      const both = [driver, other].map((each) => each.ensure(spec, within(), () => undefined));
      const [a, b] = await Promise.all(both);
      expect(a?.ref).toBe(b?.ref);
      const { image } = await files(spec);
      expect(await loopsOf(image)).toHaveLength(1);
    } finally {
      await other.close();
    }
  });

  it('is made whole by the next call when a call was cut short anywhere', async () => {
    const spec = machineSpec({ volumes: [primary()], command: ['/bin/sh', '-c', 'ls /config'] });
    for (const milliseconds of [60, 120, 180, 240, 300, 400]) {
      await driver.ensureVolumes(spec, AbortSignal.timeout(milliseconds)).catch(() => undefined);
    }
    expect(await outputOf(spec)).toEqual(['from-image']);
    const { image, directory } = await files(spec);
    expect(await loopsOf(image)).toHaveLength(1);
    expect(readdirSync(directory)).toEqual(['primary.img']);
  });

  it('that is gone is DATA_LOST, never a blank disk; a volume whose file is left is made anew', async () => {
    const spec = machineSpec({ volumes: [primary()], command: ['/bin/sh', '-c', 'echo kept > /config/marker'] });
    await outputOf(spec);
    await stopAndRemove(spec);
    const { image } = await files(spec);
    const kept = [primary({ mustExist: true })];
    await docker.getVolume(`swiftor-${spec.id}-primary`).remove();
    expect(await outputOf(next(spec, 'cat /config/marker', { volumes: kept }))).toEqual(['kept']);
    await stopAndRemove(spec);
    await rm(image);
    const lost = await ensure(next(spec, 'ls /config', { volumes: kept })).catch((error: unknown) => error);
    expect(lost).toBeInstanceOf(EngineError);
    expect(lost).toMatchObject({ code: 'DATA_LOST', message: expect.stringContaining('"primary"') });
    expect(existsSync(image)).toBe(false);
  });

  it.each([
    ['cut to half', (image: string) => truncate(image, 32 * MB)],
    ['cut to nothing', (image: string) => truncate(image, 0)],
    [
      'without its first block',
      (image: string) => run('dd', ['if=/dev/zero', `of=${image}`, 'bs=4096', 'count=1', 'conv=notrunc']),
    ],
    ['no file system that can be mounted', (image: string) => run('debugfs', ['-w', '-R', 'clri <8>', image])],
  ])('whose file is %s is DATA_LOST, and nothing is made of it', async (_how, damage) => {
    const spec = machineSpec({ volumes: [primary()], command: ['/bin/sh', '-c', 'echo kept > /config/marker'] });
    await outputOf(spec);
    await stopAndRemove(spec);
    const { image } = await files(spec);
    for (const device of await loopsOf(image)) await run('losetup', ['-d', device]);
    await damage(image);
    const { size } = await stat(image);
    // Also one that is to grow: a file that was cut must not be made long again with nothing in it.
    const sizeBytes = size < 64 * MB ? 96 * MB : 64 * MB;
    const lost = await ensure(next(spec, 'ls /config', { volumes: [primary({ mustExist: true, sizeBytes })] })).catch(
      (error: unknown) => error,
    );
    expect(lost).toMatchObject({ code: 'DATA_LOST' });
    expect(
      (await docker.listContainers({ all: true, filters: { label: [`${LABEL.machine}=${spec.id}`] } })).length,
    ).toBe(0);
    expect((await stat(image)).size).toBe(size);
  });

  it('leaves nothing once it is removed: no volume, no loop device, no file; also when its file or volume was gone', async () => {
    for (const damage of ['none', 'file', 'volume'] as const) {
      const spec = machineSpec({ volumes: [primary()], command: IDLE });
      await ensure(spec);
      await driver.stop(spec.id, within());
      const { image, directory } = await files(spec);
      const [device = ''] = await loopsOf(image);
      expect(device).toMatch(/^\/dev\/loop/);
      await driver.remove(spec.id, [], within());
      if (damage === 'file') await rm(image);
      if (damage === 'volume') {
        await driver.measureStorage(within());
        await docker.getVolume(`swiftor-${spec.id}-primary`).remove();
      }
      await driver.remove(spec.id, ['until-stop', 'until-delete'], within());
      const { Volumes } = await docker.listVolumes({ filters: { label: [`${LABEL.machine}=${spec.id}`] } });
      expect([damage, Volumes ?? []]).toEqual([damage, []]);
      expect([damage, existsSync(directory)]).toEqual([damage, false]);
      const backing = await readFile(`/sys/block/${device.slice(5)}/loop/backing_file`, 'utf8').catch(() => '');
      expect([damage, backing.includes(spec.id)]).toEqual([damage, false]);
    }
  });

  it('frees the loop device of a file that was removed', async () => {
    const spec = machineSpec({ volumes: [primary()], command: IDLE });
    await ensure(spec);
    await stopAndRemove(spec);
    const { image } = await files(spec);
    const [device = ''] = await loopsOf(image);
    const backing = () => readFile(`/sys/block/${device.slice(5)}/loop/backing_file`, 'utf8').catch(() => '');
    await driver.measureStorage(within());
    expect(await backing()).toContain(`${spec.id}/primary.img`);
    await rm(image);
    expect(await backing()).toContain(`${spec.id}/primary.img (deleted)`);
    await driver.measureStorage(within());
    expect(await backing()).not.toContain(spec.id);
  });

  it('a volume from before there were sizes stays as it is, and is measured', async () => {
    const plain: MachineVolume = { name: 'primary', target: '/config', lifetime: 'until-delete', mustExist: false };
    const spec = machineSpec({
      volumes: [plain],
      command: ['/bin/sh', '-c', 'dd if=/dev/zero of=/config/data bs=1024 count=2048 2>/dev/null'],
    });
    expect(await driver.ensureVolumes(spec, within())).toBe('MEASURED');
    await outputOf(spec);
    await stopAndRemove(spec);
    const again = next(spec, 'ls /config', { volumes: [primary({ mustExist: true })] });
    expect(await driver.ensureVolumes(again, within())).toBe('MEASURED');
    expect(await outputOf(again)).toEqual(['data', 'from-image']);
    expect((await driver.measureStorage(within())).get(spec.id)?.lastingBytes).toBeGreaterThanOrEqual(2 * MB);
  });

  it('where the host cannot hold sizes, volumes are plain and measured by the engine, and nobody claims to know the disk', async () => {
    await using engine = await openEngineWithoutHostAccess();
    const other = testDriver(installationId, { endpoint: engine.endpoint, isolation: 'off' });
    try {
      const script =
        'dd if=/dev/zero of=/config/data bs=1048576 count=70 2>/dev/null && echo unlimited; cat /config/from-image';
      const spec = machineSpec({ volumes: [primary()], command: ['/bin/sh', '-c', script] });
      const phases: EnsureProgress[] = [];
      await other.ensure(spec, within(), (progress) => phases.push(progress));
      expect(phases[0]).toEqual({ phase: 'storage', enforcement: 'MEASURED' });
      const lines = await eventually(async () => {
        const texts = [];
        for await (const { text } of other.logs(spec.id, { tail: 10, follow: true }, within())) texts.push(text);
        return texts.length === 2 && texts;
      });
      expect(lines).toEqual(['unlimited', 'from the image']);
      expect((await other.measureStorage(within())).get(spec.id)?.lastingBytes).toBeGreaterThanOrEqual(70 * MB);
      expect(await other.diskSpace(within())).toBeUndefined();
      await other.remove(spec.id, ['until-stop', 'until-delete'], within());
      const { Volumes } = await docker.listVolumes({ filters: { label: [`${LABEL.machine}=${spec.id}`] } });
      expect(Volumes ?? []).toEqual([]);
    } finally {
      await other.close();
    }
  });

  it('what a container writes outside is measured as scratch, its volumes that go with a stop too', async () => {
    const volumes: MachineVolume[] = [{ name: 'scratch', target: '/config', lifetime: 'until-stop', mustExist: false }];
    const write = (path: string, kib: number) => `dd if=/dev/zero of=${path} bs=1024 count=${kib} 2>/dev/null`;
    const spec = machineSpec({
      volumes,
      command: ['/bin/sh', '-c', `${write('/layer', 3072)}; ${write('/config/data', 2048)}`],
    });
    await outputOf(spec);
    const measured = (await driver.measureStorage(within())).get(spec.id);
    const { ref = '' } = (await driver.observe(spec.id, within())) ?? {};
    expect(measured).toMatchObject({ lastingBytes: 0, ref });
    expect(measured?.scratchBytes).toBeGreaterThanOrEqual(5 * MB);
    expect(measured?.scratchBytes).toBeLessThan(6 * MB);
    expect(await driver.ensureVolumes(spec, within())).toBeUndefined();
  });

  it('empty files count too, and a measurement that is cut short says so instead of nothing', async () => {
    const script = 'mkdir /many && cd /many && seq 1 20000 | /bin/busybox xargs touch && mkdir /config/one';
    const volumes: MachineVolume[] = [{ name: 'scratch', target: '/config', lifetime: 'until-stop', mustExist: false }];
    const spec = machineSpec({ volumes, command: ['/bin/sh', '-c', script] });
    await outputOf(spec);
    const measured = (await driver.measureStorage(within())).get(spec.id);
    expect(measured).toMatchObject({ lastingBytes: 0, isWhole: true });
    expect(measured?.scratchBytes).toBeGreaterThan(20_000 * FILE_BYTES);
    expect(measured?.scratchBytes).toBeLessThan(20_100 * FILE_BYTES);

    const { ref = '' } = (await driver.observe(spec.id, within())) ?? {};
    const { DockerRootDir } = (await docker.info()) as { DockerRootDir: string };
    const command = measureCommand(installationId, [{ kind: 'layer', name: ref }], 0)(DockerRootDir);
    const { stdout } = await testHostCommands(installationId).run(command, within());
    expect(readStorage(stdout).directories.layer).toEqual(new Map([[ref, { bytes: 0, isWhole: false }]]));
  });

  it('the disk of the engine tells how full it is', async () => {
    const { stdout } = await run('df', ['-B1', '--output=used,avail', '/var/lib/docker']);
    const [used = 0, available = 0] = stdout.split('\n')[1]?.trim().split(/\s+/).map(Number) ?? [];
    const space = await driver.diskSpace(within());
    const slack = 2 * 2 ** 30;
    expect(Math.abs((space?.usedBytes ?? 0) - used)).toBeLessThan(slack);
    expect(Math.abs((space?.freeBytes ?? 0) - available)).toBeLessThan(slack);
    const inodes = await run('df', ['--output=iused,iavail', '/var/lib/docker']);
    const [, freeFiles = 0] = inodes.stdout.split('\n')[1]?.trim().split(/\s+/).map(Number) ?? [];
    expect(Math.abs((space?.files?.free ?? 0) - freeFiles)).toBeLessThan(100_000);
  });
});
