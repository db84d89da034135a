import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { updateNode } from '../../support/swarm/rig-nodes.ts';
import { createSwarmRig, type RigNode, type SwarmRig } from '../../support/swarm/rig.ts';

const PROJECT = path.join(import.meta.dirname, '../../..');

let rig: SwarmRig;
let manager: RigNode;
let worker: RigNode;
beforeAll(async () => {
  rig = await createSwarmRig();
  [manager, worker] = rig.nodes as [RigNode, RigNode];
  // The tests look at containers on the engine of the machine that they run on.
  await updateNode(rig, worker, { Labels: { region: 'here' } });
}, 90_000);
afterAll(() => rig?.[Symbol.asyncDispose](), 60_000);

/** Runs test files on the worker, with the driver of the swarm. */
async function runThere(...files: readonly string[]): Promise<{ readonly exitCode: number; readonly output: string }> {
  const settings = [
    `TEST_SWARM=swarm+unix://${manager.socket}?region=here&cpu-overcommit=1000`,
    `TEST_SWARM_CERTS=${manager.certificates}`,
  ];
  const runner = [path.join(PROJECT, '.runtime/node'), path.join(PROJECT, 'node_modules/vitest/vitest.mjs'), 'run'];
  const config = ['--config', path.join(PROJECT, 'test/support/swarm/contract.config.ts')];
  return rig.run(worker, 'env', '--chdir', PROJECT, ...settings, ...runner, ...config, ...files);
}

it('the driver contract holds on a swarm, on a worker', { timeout: 240_000 }, async () => {
  const { exitCode, output } = await runThere('test/engine/contract/');
  expect(output).toContain('Docker Swarm');
  expect(exitCode, output).toBe(0);
});

it('hard volumes and isolation hold on a worker', { timeout: 240_000 }, async () => {
  const files = ['test/engine/storage/machine-storage', 'test/engine/isolation/isolation.test'];
  // The rig has no name server.
  const { exitCode, output } = await runThere(...files, '--testNamePattern', '^(?!.*names are looked up)');
  expect(exitCode, output).toBe(0);
});
