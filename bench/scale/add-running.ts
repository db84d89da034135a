import path from 'node:path';
import { sql } from 'kysely';
import { loadCatalog } from '../../src/catalog/catalog.ts';
import { createDatabase } from '../../src/db/database.ts';
import type { Observation } from '../../src/engine/machine.ts';
import { toMachineSpec } from '../../src/reconciler/plan/machine-spec.ts';
import { readInstallation } from '../../src/secrets/installation.ts';
import { KeyRing } from '../../src/secrets/key-ring.ts';
import { SecretBox } from '../../src/secrets/secret-box.ts';
import { findVmsOfAnyone } from '../../src/vm/store/vm-store.ts';
import { SCALE_KEY, type ScaleRig } from './scale-rig.ts';
import { SIMULATED_IMAGE } from './simulated-image.ts';

interface AddRunningOptions {
  readonly databaseUrl: string;
  readonly dataDir: string;
  readonly nodes: number;
  readonly vmIds: readonly string[];
}

const BATCH = 1_000;
const IMAGE_ID = `sha256:${'0'.repeat(64)}`;

/**
 * Lets these VMs run, as gateways find them that start while they do: containers on the simulated engine, and rows that
 * say so and are due. To boot tens of thousands would take longer than all that is measured.
 */
export async function addRunning(rig: ScaleRig, options: AddRunningOptions): Promise<void> {
  const { databaseUrl, dataDir, nodes, vmIds } = options;
  const db = createDatabase(databaseUrl, { max: 2, answerMs: 60_000 });
  try {
    const { keys } = await readInstallation(db, new KeyRing(SCALE_KEY));
    const secretBox = new SecretBox(new KeyRing(SCALE_KEY), keys);
    const catalogFile = path.join(dataDir, 'catalog.json');
    const catalog = await loadCatalog({ catalogFile, regions: ['AU'], defaultPlan: 'core' });
    const distribution = catalog.distributions.get('simulated');
    if (distribution === undefined) throw new Error('The catalog of the simulation has no image.');
    for (let from = 0; from < vmIds.length; from += BATCH) {
      const vms = await findVmsOfAnyone(db, vmIds.slice(from, from + BATCH));
      const machines = [...vms.values()].map((vm, index): Observation => {
        const salt = secretBox.fingerprint(vm.id);
        const policy = { egress: 'internet' } as const;
        const spec = toMachineSpec({ vm, distribution, secrets: [], salt, policy, bind: '127.0.0.1' });
        const number = from + index;
        return {
          id: vm.id,
          ref: `found-${vm.id}`,
          hash: spec?.hash ?? '',
          state: 'running',
          node: `node-${number % nodes}`,
          address: `fd01::${(number >> 16).toString(16)}:${(number % 65_536).toString(16)}`,
          image: { reference: SIMULATED_IMAGE, id: IMAGE_ID },
          oomKilled: false,
          startedAt: new Date(),
        };
      });
      for (const machine of machines) rig.place(machine);
      await sql`
        update vm set status = 'RUNNING', enabled = true, started_at = now(), status_since = now(), observed_at = now(),
          engine_ref = found.ref, address = found.address, node = found.node, answered_hash = found.hash,
          image_reference = ${SIMULATED_IMAGE}, image_id = ${IMAGE_ID}, image_incarnation = incarnation,
          image_since = now(), next_attempt_at = now()
        from unnest(
          ${machines.map(({ id }) => id)}::uuid[], ${machines.map(({ ref }) => ref)}::text[],
          ${machines.map(({ address = '' }) => address)}::text[], ${machines.map(({ node = '' }) => node)}::text[],
          ${machines.map(({ hash }) => hash)}::text[]
        ) as found (id, ref, address, node, hash)
        where vm.id = found.id
      `.execute(db);
    }
  } finally {
    await db.destroy();
  }
}
