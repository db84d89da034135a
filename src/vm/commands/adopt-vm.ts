import { randomBytes } from 'node:crypto';
import { insertVm } from './insert-vm.ts';
import type { VmOrder } from './order-labels.ts';
import type { VmDependencies } from './vm-command.ts';
import { parseCreateVm } from './vm-input.ts';

export interface Adoption extends VmOrder {
  readonly id: string;
  /** Whether its primary volume is one that outlives a stop. */
  readonly persistent: boolean;
  /** Whether it has any such volume: from now on its absence is a loss of data. */
  readonly storageReady: boolean;
}

/**
 * Makes the row of a VM again whose container or volumes an engine has: off, and nothing is done on the engine until its owner starts
 * it. Its secrets and mappings are not known any more; it gets a password that its owner can read or replace. Limits of plans are
 * not asked. Rejects with BAD_USER_INPUT for what the catalog does not have.
 */
export async function adoptVm(deps: VmDependencies, { userId, ramGb, persistent, ...adoption }: Adoption): Promise<void> {
  const { id, storageReady, ...order } = adoption;
  const storageType = persistent ? 'PERSISTENT' : 'EPHEMERAL';
  const input = parseCreateVm({ ...order, ram: ramGb, storageType, password: randomBytes(18).toString('base64url') }, deps.catalog);
  await deps.db.transaction().execute(async (trx) => {
    await trx
      .insertInto('account')
      .values({ user_id: userId, plan: deps.catalog.defaultPlan.code })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    await insertVm(trx, deps, userId, input, { reason: 'ADOPT', columns: { id, storage_ready: storageReady } });
  });
}
