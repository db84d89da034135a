import { expect, it } from 'vitest';
import type { MachineSpec, MachineVolume } from '../../../src/engine/machine.ts';
import { LABEL } from '../../../src/engine/labels.ts';
import { docker, machineSpec } from '../../support/engine/engines.ts';
import { useProxiedDriver } from '../../support/engine/proxied/use-proxied-driver.ts';
import { eventually } from '../../support/eventually.ts';

const engine = useProxiedDriver();
const { installationId } = engine;
const within = () => AbortSignal.timeout(40_000);
const CREATE = /^POST \/containers\/create\?.*name=swiftor-[0-9a-f]{24}-/;

const primary = (overrides: Partial<MachineVolume> = {}): MachineVolume => {
  return { name: 'primary', target: '/config', lifetime: 'until-delete', mustExist: false, ...overrides };
};
const SIZE = { sizeBytes: 64 * 2 ** 20 };
const write = ['/bin/sh', '-c', 'echo kept > /config/marker'];
const read = ['/bin/sh', '-c', 'cat /config/marker'];
const ensure = (spec: MachineSpec) => engine.driver.ensure(spec, within(), () => undefined);
const containersOf = ({ id }: MachineSpec) =>
  docker.listContainers({ all: true, filters: { label: [`${LABEL.machine}=${id}`] } });
const volumeOf = ({ id }: MachineSpec) => docker.getVolume(`swiftor-${id}-primary`);

/** A machine that wrote its marker and whose container is gone, as its next container is to be. */
async function withData(size: Partial<MachineVolume>): Promise<MachineSpec> {
  const spec = machineSpec({ volumes: [primary(size)], command: write });
  await ensure(spec);
  await eventually(async () => (await engine.driver.observe(spec.id, within()))?.state === 'exited');
  await engine.driver.remove(spec.id, [], within());
  return { ...spec, hash: `${spec.hash}-next`, command: read, volumes: [primary({ ...size, mustExist: true })] };
}

/** The same, with the volume removed by hand between the gateway's look and the engine's creation of the container. */
async function ensureInRace(spec: MachineSpec): Promise<unknown> {
  const undo = engine.proxy.rule({ call: CREATE, nth: 1, act: { kind: 'delay', milliseconds: 2_000 } });
  const before = engine.proxy.calls.filter((call) => CREATE.test(call)).length;
  const outcome = ensure(spec).catch((error: unknown) => error);
  await eventually(() => engine.proxy.calls.filter((call) => CREATE.test(call)).length > before);
  await volumeOf(spec).remove();
  const ended = await outcome;
  undo();
  return ended;
}

it('a volume that goes just before the container is made is DATA_LOST, never a blank disk', async () => {
  const spec = await withData({});
  expect(await ensureInRace(spec)).toMatchObject({ code: 'DATA_LOST' });
  expect(await containersOf(spec)).toEqual([]);
  await expect(volumeOf(spec).inspect()).rejects.toMatchObject({ statusCode: 404 });
});

it('where the data is in a file of its own, which is still there, the machine gets it', async () => {
  const spec = await withData(SIZE);
  expect(await ensureInRace(spec)).toMatchObject({ id: spec.id });
  const lines = [];
  for await (const { text } of engine.driver.logs(spec.id, { tail: 10, follow: true }, within())) lines.push(text);
  expect(lines).toEqual(['kept']);
  expect((await volumeOf(spec).inspect()).Labels).toMatchObject({ [LABEL.machine]: spec.id });
});

it('a container that a gateway made and did not start any more is looked at likewise', async () => {
  const spec = await withData({});
  await volumeOf(spec).remove();
  await docker.createContainer({
    name: `swiftor-${spec.id}-${spec.hash}`,
    Image: spec.imageRef,
    Labels: { [LABEL.installation]: installationId, [LABEL.machine]: spec.id, [LABEL.hash]: spec.hash },
    HostConfig: { Mounts: [{ Type: 'volume', Source: `swiftor-${spec.id}-primary`, Target: '/config' }] },
  });
  await expect(ensure(spec)).rejects.toMatchObject({ code: 'DATA_LOST' });
  expect(await containersOf(spec)).toEqual([]);
  await expect(volumeOf(spec).inspect()).rejects.toMatchObject({ statusCode: 404 });
});
