import { afterAll, beforeAll, expect, it } from 'vitest';
import type { EngineDriver } from '../../../src/engine/driver.ts';
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
import { createTestEngineNames } from '../../support/engine/test-engine-names.ts';

const installationId = newInstallationId();
const undo = new AsyncDisposableStack();
const { engineNames } = undo.use(createTestEngineNames());
const within = () => AbortSignal.timeout(25_000);
let proxy: EngineProxy;
let driver: EngineDriver;

beforeAll(async () => {
  await testImage();
  proxy = undo.use(await openEngineProxy());
  // Isolation is of no concern here, and nor is a watchdog under these names.
  driver = testDriver(installationId, { endpoint: proxy.endpoint, engineNames, isolation: 'off' });
});
afterAll(async () => {
  await driver.close();
  await removeInstallation(installationId);
  await undo.disposeAsync();
}, 60_000);

/** As an engine says it that is a member of a swarm; others say 404. */
const swarmRefusal = (id: string) => ({
  message: `Could not attach to network ${id}: rpc error: code = NotFound desc = network ${id} not found`,
});
const start = () => driver.ensure(machineSpec({ command: IDLE }), within(), () => undefined);

/** The id that the network had, which is gone now. */
async function removeNetwork(): Promise<string> {
  const network = docker.getNetwork(engineNames.networks.internet);
  const { Id, Containers } = (await network.inspect()) as { Id: string; Containers: Record<string, unknown> };
  await Promise.all(Object.keys(Containers).map((ref) => docker.getContainer(ref).remove({ force: true })));
  await network.remove();
  return Id;
}

it.each([
  ['create', /^POST \/containers\/create/],
  ['start', /^POST \/containers\/[^/]+\/start/],
])('a network that is gone is made anew, also where the engine refuses to %s with 500', async (_what, call) => {
  await start();
  const id = await removeNetwork();
  const undoRule = proxy.rule({ call, nth: 1, act: { kind: 'answer', status: 500, body: swarmRefusal(id) } });
  expect(await start()).toMatchObject({ state: 'running' });
  undoRule();
  expect(await start()).toMatchObject({ state: 'running' });
  expect((await docker.getNetwork(engineNames.networks.internet).inspect()).Id).not.toBe(id);
});

it('a refusal that names a network which is there stays a refusal', async () => {
  await start();
  const { Id } = await docker.getNetwork(engineNames.networks.internet).inspect();
  const undoRule = proxy.rule({
    call: /^POST \/containers\/[^/]+\/start/,
    act: { kind: 'answer', status: 500, body: swarmRefusal(Id) },
  });
  await expect(start()).rejects.toMatchObject({ code: 'START_FAILED' });
  undoRule();
});
