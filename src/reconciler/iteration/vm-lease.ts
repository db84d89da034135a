import { sql } from 'kysely';
import type { Db } from '../../db/database.ts';
import { notifyAfterCommit, runTransaction } from '../../db/transaction.ts';
import { measures } from '../../measures.ts';
import { selectObservedAt } from '../../vm/vm-columns.ts';
import { VM_STATUSES } from '../../vm/vm-status.ts';

/** The right to act on one VM. One gateway holds it at a time, for LEASE_SECONDS from its last heartbeat. */
export interface Lease {
  readonly vmId: string;
  readonly owner: string;
  /** By performance.now(), counted from before the statement was sent: no other gateway has the lease until then. */
  readonly heldUntil: number;
}

/** What a heartbeat reads. */
export interface LeaseState {
  readonly vmId: string;
  /** Grows with each change of the desire. */
  readonly generation: number;
  /** Grows each time the VM is marked due. */
  readonly wakes: number;
  /** The request of the last change of the desire that has not been reached; null while nothing is traced. */
  readonly traceparent: string | null;
  /** As `Lease.heldUntil`, extended by the heartbeat. */
  readonly heldUntil: number;
}

export const LEASE_SECONDS = 10;

const leaseFrom = (askedAt: number): number => askedAt + LEASE_SECONDS * 1_000;
const leaseEnd = sql<Date>`now() + make_interval(secs => ${sql.lit(LEASE_SECONDS)})`;

/**
 * Claims VMs that are due in the regions and have no lease, oldest first. SKIP LOCKED gives concurrent gateways
 * different VMs; the CTE is materialized because another plan could claim more than the limit. A VM with a status that
 * this version does not know is left to the gateway that wrote it.
 */
export async function claimDue(db: Db, owner: string, regions: readonly string[], limit: number): Promise<Lease[]> {
  const heldUntil = leaseFrom(performance.now());
  const { rows } = await sql<{ id: string; lag: number }>`
    with due as materialized (
      select id, extract(epoch from now() - next_attempt_at)::float8 as lag from vm
      where next_attempt_at <= now() and (lease_until is null or lease_until < now()) and region = any(${[...regions]})
        and status = any(${[...VM_STATUSES]})
      order by next_attempt_at
      limit ${limit}
      for update skip locked
    )
    update vm set lease_owner = ${owner}, lease_until = ${leaseEnd}, observed_at = ${selectObservedAt}, watcher = null
    from due where vm.id = due.id
    returning vm.id, due.lag
  `.execute(db);
  return rows.map(({ id, lag }) => {
    measures.reconcileLagSeconds.observe(lag);
    return { vmId: id, owner, heldUntil };
  });
}

/** Extends the owner's leases in one statement. A lease that is missing in the result is lost. */
export async function heartbeat(db: Db, owner: string, vmIds: readonly string[]): Promise<LeaseState[]> {
  const heldUntil = leaseFrom(performance.now());
  const rows = await db
    .updateTable('vm')
    .set({ lease_until: leaseEnd })
    .where('lease_owner', '=', owner)
    .where('id', '=', sql<string>`any(${[...vmIds]}::uuid[])`)
    .returning(['id as vmId', 'generation', 'wakes', 'traceparent'])
    .execute();
  return rows.map((row) => ({ ...row, heldUntil }));
}

/** When a VM is due again without an event. */
export interface Release {
  /** Undefined: never. */
  readonly nextInSeconds: number | undefined;
  /** Instead, if the owner is a watcher: it asks the VM's app, and makes the VM due when something has changed. */
  readonly watchedForSeconds?: number | undefined;
}

/**
 * Releases the lease. The VM is due again as `release` says, or at once if anything changed since `seen`: no event that
 * came during the iteration is lost. A VM that is not due at once has reached its desire, or given up for now: what
 * follows is not of the request that changed it. Resolves to whether the owner is the VM's watcher now.
 */
export async function releaseLease(db: Db, lease: Lease, seen: LeaseState, release: Release): Promise<boolean> {
  const { nextInSeconds, watchedForSeconds } = release;
  const isChanged = sql`(vm.generation <> ${seen.generation} or vm.wakes <> ${seen.wakes})`;
  const isWatched = sql`exists (select from watcher w where w.owner = ${lease.owner} and w.alive_until > now())`;
  const next = sql<Date | null>`
    case
      when ${isChanged} then now()
      ${watchedForSeconds === undefined ? sql`` : sql`when ${isWatched} then ${inSeconds(watchedForSeconds)}`}
      else ${nextInSeconds === undefined ? sql`null` : inSeconds(nextInSeconds)}
    end
  `;
  const released = await db
    .updateTable('vm')
    .set({
      lease_owner: null,
      lease_until: null,
      observed_generation: seen.generation,
      next_attempt_at: next,
      ...(watchedForSeconds !== undefined && {
        watcher: sql<string | null>`case when not ${isChanged} and ${isWatched} then ${lease.owner} end`,
      }),
      ...(nextInSeconds !== 0 && { traceparent: sql<string | null>`case when ${isChanged} then traceparent end` }),
    })
    .where('id', '=', lease.vmId)
    .where('lease_owner', '=', lease.owner)
    .returning('watcher')
    .executeTakeFirst();
  return released?.watcher === lease.owner;
}

const inSeconds = (seconds: number) => sql`now() + make_interval(secs => ${seconds})`;

/** Makes the VMs due now, because something may have happened to them. Gateways lock the rows in one order. */
export async function markDue(db: Db, vmIds: readonly string[]): Promise<void> {
  if (vmIds.length === 0) return;
  await runTransaction(db, async (trx) => {
    const marked = await trx
      .with('concerned', (cte) =>
        cte
          .selectFrom('vm')
          .select('id')
          .where('id', '=', sql<string>`any(${[...vmIds]}::uuid[])`)
          .orderBy('id')
          .forUpdate(),
      )
      .updateTable('vm')
      .from('concerned')
      .set({
        wakes: sql<number>`vm.wakes + 1`,
        next_attempt_at: sql<Date>`least(coalesce(vm.next_attempt_at, now()), now())`,
      })
      .whereRef('vm.id', '=', 'concerned.id')
      .returning('vm.id')
      .execute();
    for (const { id } of marked) notifyAfterCommit(trx, 'vm_due', id);
  });
}

/** Removes every lease and watcher. For the start of a gateway that has its database alone. */
export async function clearLeases(db: Db): Promise<void> {
  await db
    .updateTable('vm')
    .set({ lease_owner: null, lease_until: null })
    .where('lease_owner', 'is not', null)
    .execute();
  await db
    .updateTable('vm')
    .set({ watcher: null, observed_at: selectObservedAt, next_attempt_at: sql<Date>`now()` })
    .where('watcher', 'is not', null)
    .execute();
  await db.deleteFrom('watcher').execute();
}
