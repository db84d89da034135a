import { randomUUID } from 'node:crypto';
import { afterEach, expect, it } from 'vitest';
import { createEngineCall } from '../../../src/engine/docker/connection/engine-call.ts';
import { MachineNetwork } from '../../../src/engine/docker/isolation/network.ts';
import { docker, TEST_ENDPOINT } from '../../support/engine/engines.ts';

const call = createEngineCall(TEST_ENDPOINT, 15_000);
const within = () => AbortSignal.timeout(25_000);
// Not the shared network of the machines, which others use meanwhile.
const name = `swtest-${randomUUID().slice(0, 8)}`;
const networks = async () =>
  (await docker.listNetworks({ filters: { name: [name] } })).filter(({ Name }) => Name === name);

afterEach(async () => {
  await Promise.all((await networks()).map(({ Id }) => docker.getNetwork(Id).remove()));
});

it('gateways that make the network at once come to the same one, which keeps containers apart', async () => {
  const gateways = Array.from({ length: 6 }, () => new MachineNetwork(docker, call, name));
  const ids = await Promise.all(gateways.map((gateway) => gateway.ensureId(within())));
  expect(new Set(ids).size).toBe(1);
  expect(await networks()).toHaveLength(1);
  const { Options, Driver } = await docker.getNetwork(ids[0] ?? '').inspect();
  expect(Driver).toBe('bridge');
  expect(Options).toMatchObject({ 'com.docker.network.bridge.enable_icc': 'false' });
});

it('is made again after it was forgotten because it is gone', async () => {
  const network = new MachineNetwork(docker, call, name);
  const first = await network.ensureId(within());
  await docker.getNetwork(first).remove();
  network.forget();
  const second = await network.ensureId(within());
  expect(second).not.toBe(first);
  expect((await networks()).map(({ Id }) => Id)).toEqual([second]);
});

it('of that name that lets containers reach each other is refused', async () => {
  await docker.createNetwork({ Name: name, Driver: 'bridge' });
  const network = new MachineNetwork(docker, call, name);
  await expect(network.ensureId(within())).rejects.toMatchObject({
    code: 'ENGINE_REFUSED',
    message: expect.stringContaining(name),
  });
});
