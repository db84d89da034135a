import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { History } from '../../chaos/checks/history.ts';
import { getNemeses } from '../../chaos/nemeses/nemeses.ts';
import { createRandom } from '../../chaos/workload/random.ts';
import { createRig } from '../../chaos/rig/rig.ts';
import { leave, runRound, settleIn, type World } from '../../chaos/round.ts';
import { removeInstallation } from '../../support/engine/engines.ts';

const SEED = 1;
/** Shorter than `npm run chaos` has them: all rounds together take less than two minutes. */
const SECONDS = 2;

const parts = new AsyncDisposableStack();
let world: World;
beforeAll(async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'swiftor-chaos-'));
  await chmod(folder, 0o711);
  parts.defer(() => rm(folder, { recursive: true, force: true }));
  const rig = await createRig({ folder: path.join(folder, 'rig'), accounts: 1, engine: 'machine' });
  parts.defer(() => removeInstallation(rig.installationId));
  parts.use(rig);
  world = { rig, history: new History(), random: createRandom(SEED), vms: 4, subscribers: [], ignoresSwept: true };
  parts.defer(() => leave(world));
  await settleIn(world);
});
afterAll(() => parts.disposeAsync());

describe('two gateways on one database and one engine keep every promise', () => {
  it.each([
    'gateway-kill',
    'gateway-pause',
    'gateway-term',
    'engine-500',
    'engine-nonsense',
    'engine-lost',
    'engine-refuse',
    'database-terminate',
    'database-kill',
    'database-blackhole',
    'database-pause',
  ])('through %s', { timeout: 100_000 }, async (name) => {
    const [nemesis] = getNemeses([name]);
    if (nemesis === undefined) throw new Error(`There is no fault "${name}".`);
    const { violations } = await runRound(world, { ...nemesis, seconds: Math.min(nemesis.seconds, SECONDS) });
    expect(violations).toEqual([]);
  });
});
