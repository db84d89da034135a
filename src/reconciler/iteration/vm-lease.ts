import { sql } from 'kysely';
import type { Db } from '../../db/database.ts';
import { notifyAfterCommit, runTransaction } from '../../db/transaction.ts';
import { measures } from '../../measures.ts';
import { selectObservedAt } from '../../vm/store/vm-columns.ts';
import { VM_STATUSES, type VmStatus } from '../../vm/vm-status.ts';

/** The right to act on one VM. One gateway holds it at a time, for LEASE_SECONDS from its last heartbeat. */
export interface Lease {
  readonly vmId: string;
  readonly owner: string;
  readonly duty: Duty;
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

/** A VM that is up is only looked at, which takes a moment. What it then needs is work. */
export type Duty = 'look' | 'work';

/** How many VMs a gateway may claim for each duty. */
export type Room = Readonly<Record<Duty, number>>;

const UP = ['RUNNING', 'DEGRADED', 'UNKNOWN'] as const satisfies readonly VmStatus[];
const NOT_UP = VM_STATUSES.filter((status) => !(UP as readonly VmStatus[]).includes(status));

export function dutyOf(status: VmStatus): Duty {
  return NOT_UP.includes(status) ? 'work' : 'look';
}

/**
 * Claims VMs that are due in the regions and have no lease, oldest first; each duty has a room of its own, so that a
 * start does not wait until thousands of VMs were looked at. SKIP LOCKED gives concurrent gateways different VMs; the
 * CTEs are materialized because another plan could claim more than the limit. A VM with a status that this version does
 * not know is left to the gateway that wrote it.
 */
export async function claimDue(db: Db, owner: string, regions: readonly string[], room: Room): Promise<Lease[]> {
  const heldUntil = leaseFrom(performance.now());
  // An equation with the status would let PostgreSQL read the index of all VMs that are not stopped.
  const due = (duty: Duty) => sql`
    select id, extract(epoch from now() - next_attempt_at)::float8 as lag, ${sql.lit(duty)} as duty from vm
    where next_attempt_at <= now() and (lease_until is null or lease_until < now()) and region = any(${[...regions]})
      and array_position(${duty === 'look' ? [...UP] : NOT_UP}::text[], status) is not null
    order by next_attempt_at
    limit ${room[duty]}
    for update skip locked
  `;
  const { rows } = await sql<{ id: string; lag: number; duty: Duty }>`
    with due_work as materialized (${due('work')}),
      due_looks as materialized (${due('look')})
    update vm set lease_owner = ${owner}, lease_until = ${leaseEnd}, observed_at = ${selectObservedAt}, watcher = null
    from (select * from due_work union all select * from due_looks) due where vm.id = due.id
    returning vm.id, due.lag, due.duty
  `.execute(db);
  return rows.map(({ id, lag, duty }) => {
    measures.reconcileLagSeconds.observe(lag);
    return { vmId: id, owner, duty, heldUntil };
  });
}

/** The owner's VMs among these, locked in the one order of all statements that lock several. */
export const lockLeased = (owner: string, vmIds: readonly string[]) => sql`
  select id from vm where id = any(${[...vmIds]}::uuid[]) and lease_owner = ${owner} order by id for update
`;

/** Extends the owner's leases in one statement. A lease that is missing in the result is lost. */
export async function heartbeat(db: Db, owner: string, vmIds: readonly string[]): Promise<LeaseState[]> {
  const heldUntil = leaseFrom(performance.now());
  const { rows } = await sql<Omit<LeaseState, 'heldUntil'>>`
    with concerned as materialized (${lockLeased(owner, vmIds)})
    update vm set lease_until = ${leaseEnd} from concerned where vm.id = concerned.id
    returning vm.id as "vmId", vm.generation, vm.wakes, vm.traceparent
  `.execute(db);
  return rows.map((row) => ({ ...row, heldUntil }));
}

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
