import type { Db } from '../../../src/db/database.ts';

/** A row as a gateway would have it of a VM that it made earlier; its account too. */
export async function insertVm(
  db: Db,
  vm: { id: string; status: string; engineRef?: string; address?: string },
): Promise<void> {
  const { id, status, engineRef = null, address = null } = vm;
  await db
    .insertInto('account')
    .values({ user_id: 'alice', plan: 'core' })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const order = {
    user_id: 'alice',
    vmlabel: 'A label',
    region: 'AU',
    distribution: 'ubuntu',
    desktop: 'xfce',
    cpu: 1,
    ram_gb: 1,
  };
  await db
    .insertInto('vm')
    .values({ ...order, id, status, persistent: true, storage_ready: true, engine_ref: engineRef, address })
    .execute();
}
