import { sql } from 'kysely';
import type { Db } from '../../db/database.ts';
import { VM_STATUSES } from '../../vm/vm-status.ts';

/** The right to act on one VM: held by one gateway at a time, for LEASE_SECONDS from its last heartbeat. */
export interface Lease {
  readonly vmId: string;
  readonly owner: string;
  /** Until then, by performance.now(), nobody else can have it: counted from before the database was asked. */
  readonly heldUntil: number;
}

/** What a heartbeat reads: whether the desire, or anything a hint told of, has moved since. */
export interface LeaseState {
  readonly vmId: string;
  readonly generation: number;
  readonly wakes: number;
  /** As the lease's: the heartbeat has extended it. */
  readonly heldUntil: number;
}

export const LEASE_SECONDS = 10;

const leaseFrom = (askedAt: number): number => askedAt + LEASE_SECONDS * 1_000;
const leaseEnd = sql<Date>`now() + make_interval(secs => ${sql.lit(LEASE_SECONDS)})`;

/**
 * Takes the VMs that are due in those regions and that nobody holds, oldest first. Two gateways that ask at once get
 * different ones: SKIP LOCKED, in a materialized step so that no plan can claim more than the limit. A VM whose status this
 * version does not know is left to the gateway that wrote it, until its owner changes it.
 */
export async function claimDue(db: Db, owner: string, regions: readonly string[], limit: number): Promise<Lease[]> {
  const heldUntil = leaseFrom(performance.now());
  const { rows } = await sql<{ id: string }>`
    with due as materialized (
      select id from vm
      where next_attempt_at <= now() and (lease_until is null or lease_until < now()) and region = any(${[...regions]})
        and status = any(${[...VM_STATUSES]})
      order by next_attempt_at
      limit ${limit}
      for update skip locked
    )
    update vm set lease_owner = ${owner}, lease_until = ${leaseEnd}
    from due where vm.id = due.id
    returning vm.id
  `.execute(db);
  return rows.map(({ id }) => ({ vmId: id, owner, heldUntil }));
}

/** Extends all leases of the owner in one statement; those that are missing in the answer are lost. */
export async function heartbeat(db: Db, owner: string, vmIds: readonly string[]): Promise<LeaseState[]> {
  const heldUntil = leaseFrom(performance.now());
  const rows = await db
    .updateTable('vm')
    .set({ lease_until: leaseEnd })
    .where('lease_owner', '=', owner)
    .where('id', '=', sql<string>`any(${[...vmIds]}::uuid[])`)
    .returning(['id', 'generation', 'wakes'])
    .execute();
  return rows.map(({ id, generation, wakes }) => ({ vmId: id, generation, wakes, heldUntil }));
}

/**
 * Gives the lease back. The VM is looked at again after `nextInSeconds`; at once when anything moved since `seen`, so a
 * hint that came during the pass is not lost.
 */
export async function releaseLease(db: Db, lease: Lease, seen: LeaseState, nextInSeconds: number | undefined): Promise<void> {
  const next =
    nextInSeconds === undefined ? sql<Date | null>`null::timestamptz` : sql<Date>`now() + make_interval(secs => ${nextInSeconds})`;
  await db
    .updateTable('vm')
    .set({
      lease_owner: null,
      lease_until: null,
      observed_generation: seen.generation,
      next_attempt_at: sql<Date | null>`case when generation <> ${seen.generation} or wakes <> ${seen.wakes} then now() else ${next} end`,
    })
    .where('id', '=', lease.vmId)
    .where('lease_owner', '=', lease.owner)
    .execute();
}

/** Says that something may have happened to those VMs: a reconciler looks at them at once. */
export async function markDue(db: Db, vmIds: readonly string[]): Promise<void> {
  if (vmIds.length === 0) return;
  await sql`
    with marked as (
      update vm set wakes = wakes + 1, next_attempt_at = least(coalesce(next_attempt_at, now()), now())
      where id = any(${[...vmIds]}::uuid[])
      returning id
    )
    select pg_notify('vm_due', id::text) from marked
  `.execute(db);
}

/** Frees every lease: for a database that only one gateway can have, at its start. */
export async function clearLeases(db: Db): Promise<void> {
  await db.updateTable('vm').set({ lease_owner: null, lease_until: null }).where('lease_owner', 'is not', null).execute();
}
