import { randomBytes } from 'node:crypto';
import { isUserId } from '../../auth/jwt.ts';
import { runTransaction } from '../../db/transaction.ts';
import { badInput } from '../../errors.ts';
import { insertVm } from './insert-vm.ts';
import type { VmOrder } from './order-labels.ts';
import type { VmDependencies } from './vm-command.ts';
import { parseCreateVm } from './vm-input.ts';

export interface Adoption extends VmOrder {
  readonly id: string;
  /** Whether its primary volume outlives a stop. */
  readonly persistent: boolean;
  /** Whether a volume that outlives a stop exists. Its absence is DATA_LOST from now on. */
  readonly storageReady: boolean;
}

/**
 * Recreates the row of a VM whose container or volumes still exist on an engine, once `stop` has ended what runs: the
 * VM is off, and the engine is left alone until its owner starts it. Its secrets and mappings are lost; it gets a
 * password that its owner can read or replace. Plan limits are not checked. Rejects with BAD_USER_INPUT, before it
 * stops anything, for what createVm would refuse and for a user that no token can have.
 */
export async function adoptVm(
  deps: VmDependencies,
  { userId, ramGb, persistent, ...adoption }: Adoption,
  stop: () => Promise<void>,
): Promise<void> {
  const { id, storageReady, ...order } = adoption;
  const storageType = persistent ? 'PERSISTENT' : 'EPHEMERAL';
  const input = parseCreateVm(
    { ...order, ram: ramGb, storageType, password: randomBytes(18).toString('base64url') },
    deps.catalog,
  );
  if (!isUserId(userId))
    throw badInput([{ path: 'user', message: 'must have 1 to 255 printable ASCII characters, without spaces.' }]);
  await stop();
  await runTransaction(deps.db, async (trx) => {
    await trx
      .insertInto('account')
      .values({ user_id: userId, plan: deps.catalog.defaultPlan.code })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    await insertVm(trx, deps, userId, input, { reason: 'ADOPT', columns: { id, storage_ready: storageReady } });
  });
}
