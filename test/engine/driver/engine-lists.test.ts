import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { EngineDriver } from '../../../src/engine/driver.ts';
import type { MachineSpec } from '../../../src/engine/machine.ts';
import { LABEL } from '../../../src/engine/labels.ts';
import { openEngineProxy, type EngineProxy } from '../../support/engine/proxied/engine-proxy.ts';
import {
  docker,
  IDLE,
  machineSpec,
  newInstallationId,
  removeInstallation,
  testDriver,
  testImage,
} from '../../support/engine/engines.ts';

const installationId = newInstallationId();
const within = () => AbortSignal.timeout(40_000);
let proxy: EngineProxy;

beforeAll(async () => {
  await testImage();
  proxy = await openEngineProxy();
});
afterAll(async () => {
  await proxy[Symbol.asyncDispose]();
  await removeInstallation(installationId);
}, 60_000);

const newSpec = () =>
  machineSpec({
    command: IDLE,
    volumes: [{ name: 'primary', target: '/config', lifetime: 'until-delete', mustExist: false }],
  });
const changed = (spec: MachineSpec): MachineSpec => ({
  ...spec,
  hash: `${spec.hash}-new`,
  volumes: spec.volumes.map((volume) => ({ ...volume, mustExist: true })),
});
const containersOf = async ({ id }: MachineSpec) =>
  (await docker.listContainers({ all: true, filters: { label: [`${LABEL.machine}=${id}`] } })).map(({ Id, State }) => ({
    ref: Id,
    State,
  }));

const volumesOf = async ({ id }: MachineSpec) =>
  (await docker.listVolumes({ filters: { label: [`${LABEL.machine}=${id}`] } })).Volumes.map(({ Name }) => Name);

/** From here to the test's end the engine says 200 and lists nothing, while everything is there. */
function emptyLists(): void {
  const rules = [
    proxy.rule({ call: /^GET \/containers\/json/, act: { kind: 'rewrite', map: () => [] } }),
    proxy.rule({ call: /^GET \/volumes\?/, act: { kind: 'rewrite', map: () => ({ Volumes: [], Warnings: null }) } }),
  ];
  onTestFinished(() => rules.forEach((undo) => undo()));
}

describe.each([
  ['a gateway that knows the machine', false],
  ['a gateway that has just started', true],
])('While the engine lists nothing by error, %s', (_who, isNew) => {
  let driver: EngineDriver;
  let spec: MachineSpec;
  let ref: string;

  beforeEach(async () => {
    const open = () => testDriver(installationId, { endpoint: proxy.endpoint });
    const first = open();
    spec = newSpec();
    ({ ref } = await first.ensure(spec, within(), () => undefined));
    driver = isNew ? open() : first;
    emptyLists();
    return async () => {
      await driver.close();
      await first.close();
    };
  });

  it('sees it running', async () => {
    expect(await driver.observe(spec.id, within())).toMatchObject({ ref, state: 'running' });
  });

  it('finds it up, and makes no second container', async () => {
    expect(await driver.ensure(spec, within(), () => undefined)).toMatchObject({ ref });
    expect(await containersOf(spec)).toEqual([{ ref, State: 'running' }]);
  });

  it('replaces it, so that no two containers are on its volume', async () => {
    const after = await driver.ensure(changed(spec), within(), () => undefined);
    expect(after.ref).not.toBe(ref);
    expect(await containersOf(spec)).toEqual([{ ref: after.ref, State: 'running' }]);
  });

  it('stops and removes it when it says so', async () => {
    await driver.stop(spec.id, within());
    expect(await containersOf(spec)).toEqual([{ ref, State: 'exited' }]);
    await docker.getContainer(ref).start();
    await driver.remove(spec.id, ['until-stop', 'until-delete'], within());
    expect(await containersOf(spec)).toEqual([]);
    expect(await volumesOf(spec)).toEqual([]);
  });
});

it('the inventory has what was there a moment ago, and not what is gone', async () => {
  const driver = testDriver(installationId, { endpoint: proxy.endpoint });
  onTestFinished(() => driver.close());
  const [kept, gone] = [newSpec(), newSpec()];
  await driver.ensure(kept, within(), () => undefined);
  const { ref } = await driver.ensure(gone, within(), () => undefined);
  emptyLists();
  await docker.getContainer(ref).remove({ force: true });
  const ids = (await driver.list(within())).machines.map(({ id }) => id);
  expect(ids).toContain(kept.id);
  expect(ids).not.toContain(gone.id);
});
