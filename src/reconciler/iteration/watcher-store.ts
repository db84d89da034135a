import { sql } from 'kysely';
import type { Db } from '../../db/database.ts';
import { notifyAfterCommit, runTransaction } from '../../db/transaction.ts';
import { selectObservedAt } from '../../vm/store/vm-columns.ts';
import { LEASE_SECONDS } from './vm-lease.ts';

/** VMs of a watcher that has ended become due in statements of this size, which hold their locks briefly. */
const MAX_BATCH = 500;

const aliveUntil = sql<Date>`now() + make_interval(secs => ${sql.lit(LEASE_SECONDS)})`;

/**
 * Keeps the gateway a watcher for LEASE_SECONDS. `checkedAt`: since when all its VMs have been asked, by the database's
 * clock in ms since 1970. False if it was none any more: its VMs are those of others then.
 */
export async function renewWatcher(db: Db, owner: string, checkedAt: number): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('watcher')
    .set({ alive_until: aliveUntil, checked_at: new Date(checkedAt) })
    .where('owner', '=', owner)
    .where('alive_until', '>', sql<Date>`now()`)
    .executeTakeFirstOrThrow();
  return numUpdatedRows > 0n;
}

/** Makes the gateway a watcher, without VMs. */
export async function insertWatcher(db: Db, owner: string): Promise<void> {
  await db
    .insertInto('watcher')
    .values({ owner, alive_until: aliveUntil, checked_at: sql<Date>`now()` })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** Makes the VMs of watchers that have ended due, and removes those watchers. Resolves to the number of VMs. */
export async function endDeadWatchers(db: Db): Promise<number> {
  const dead = await db
    .selectFrom('watcher')
    .select('owner')
    .where('alive_until', '<=', sql<Date>`now()`)
    .execute();
  let released = 0;
  for (const { owner } of dead) released += await endWatcher(db, owner);
  return released;
}

/**
 * Makes the VMs of a watcher due for other gateways, and removes it once it has none. VMs that are locked at the moment
 * are left to the next call. Resolves to the number of VMs.
 */
export async function endWatcher(db: Db, owner: string): Promise<number> {
  // From now on no VM is added.
  await db
    .updateTable('watcher')
    .set({ alive_until: sql<Date>`least(alive_until, now())` })
    .where('owner', '=', owner)
    .execute();
  let released = 0;
  for (;;) {
    const batch = await releaseBatch(db, owner);
    released += batch;
    if (batch < MAX_BATCH) break;
  }
  await sql`
    delete from watcher where owner = ${owner} and not exists (select from vm where vm.watcher = ${owner})
  `.execute(db);
  return released;
}

async function releaseBatch(db: Db, owner: string): Promise<number> {
  const { numAffectedRows = 0n } = await sql`
    with concerned as materialized (
      select id from vm where watcher = ${owner} limit ${MAX_BATCH} for update skip locked
    )
    update vm set watcher = null, observed_at = ${selectObservedAt}, next_attempt_at = least(next_attempt_at, now())
    from concerned where vm.id = concerned.id
  `.execute(db);
  return Number(numAffectedRows);
}

/**
 * Makes those of the VMs due that the watcher still has: something about them is no longer as their rows say. Gateways
 * lock the rows in one order.
 */
export async function markWatched(db: Db, owner: string, vmIds: readonly string[]): Promise<void> {
  await runTransaction(db, async (trx) => {
    const { rows } = await sql<{ id: string }>`
      with concerned as materialized (
        select id from vm where id = any(${[...vmIds]}::uuid[]) and watcher = ${owner} order by id for update
      )
      update vm set watcher = null, observed_at = ${selectObservedAt}, wakes = wakes + 1,
        next_attempt_at = least(next_attempt_at, now())
      from concerned where vm.id = concerned.id
      returning vm.id
    `.execute(trx);
    for (const { id } of rows) notifyAfterCommit(trx, 'vm_due', id);
  });
}

/** Those of the VMs that the watcher still has and that are not due. */
export async function findWatched(db: Db, owner: string, vmIds: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await db
    .selectFrom('vm')
    .select('id')
    .where('id', '=', sql<string>`any(${[...vmIds]}::uuid[])`)
    .where('watcher', '=', owner)
    .where('next_attempt_at', '>', sql<Date>`now()`)
    .execute();
  return new Set(rows.map(({ id }) => id));
}
