import { sql } from 'kysely';
import type { Db } from '../../db/database.ts';
import type { MachineStats } from '../../engine/machine.ts';

/** How long measurements are kept. */
export const STATS_MINUTES = 60;
/** Between two measurements of a VM. */
export const STATS_EVERY_SECONDS = 15;

/** A measurement of a VM, and how long ago it was stored, by the database's clock. */
export interface PastStats extends MachineStats {
  readonly vmId: string;
  readonly ageSeconds: number;
}

/** The VMs of these regions that run and were not measured lately, by this gateway or another. */
export async function listUnmeasured(db: Db, regions: readonly string[]): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select id from vm
    where region = any(${[...regions]}::text[]) and status in ('RUNNING', 'DEGRADED')
      and not exists (
        select from vm_stats
        where vm_id = vm.id and stored_at > now() - make_interval(secs => ${STATS_EVERY_SECONDS * 0.8})
      )
  `.execute(db);
  return rows.map(({ id }) => id);
}

/** Stores a measurement of each VM, in one statement. VMs that were deleted meanwhile are left out. */
export async function storeStats(db: Db, measured: ReadonlyMap<string, MachineStats>): Promise<void> {
  if (measured.size === 0) return;
  const rows = [...measured.values()];
  await sql`
    insert into vm_stats
      (vm_id, at, cpu_percent, memory_bytes, memory_limit_bytes, network_rx_bytes, network_tx_bytes)
    select measured.* from unnest(
      ${[...measured.keys()]}::uuid[],
      ${rows.map(({ at }) => at.toISOString())}::timestamptz[],
      ${rows.map(({ cpuPercent }) => cpuPercent)}::double precision[],
      ${rows.map(({ memoryBytes }) => memoryBytes)}::bigint[],
      ${rows.map(({ memoryLimitBytes }) => memoryLimitBytes)}::bigint[],
      ${rows.map(({ networkRxBytes }) => networkRxBytes)}::bigint[],
      ${rows.map(({ networkTxBytes }) => networkTxBytes)}::bigint[]
    ) as measured (vm_id)
    join vm on vm.id = measured.vm_id
    on conflict do nothing
  `.execute(db);
}

/** The measurements of the last hour of each VM, oldest first. */
export async function listStats(db: Db, vmIds: readonly string[]): Promise<PastStats[]> {
  const { rows } = await sql<PastStats>`
    select vm_id as "vmId", at, cpu_percent as "cpuPercent", memory_bytes as "memoryBytes",
      memory_limit_bytes as "memoryLimitBytes", network_rx_bytes as "networkRxBytes",
      network_tx_bytes as "networkTxBytes",
      extract(epoch from now() - stored_at)::double precision as "ageSeconds"
    from vm_stats
    where vm_id = any(${[...vmIds]}::uuid[]) and stored_at > now() - make_interval(mins => ${STATS_MINUTES})
    order by at
  `.execute(db);
  return rows;
}

/** Deletes the measurements that are older than an hour. */
export async function pruneStats(db: Db): Promise<void> {
  await sql`delete from vm_stats where stored_at < now() - make_interval(mins => ${STATS_MINUTES})`.execute(db);
}
