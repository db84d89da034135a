import { sql } from 'kysely';
import type { Db } from '../../db/database.ts';
import type { MachineStorage } from '../../engine/machine.ts';

/** A VM whose measurement differs from the stored one. */
export interface ChangedStorage {
  readonly id: string;
  readonly distribution: string;
  readonly scratchBytes: number;
}

/**
 * Stores what each VM holds, in one statement, and returns the VMs whose values changed. The scratch size of a
 * container that was replaced meanwhile is ignored. A measurement that was cut short can only raise the values.
 */
export async function storeMeasurements(
  db: Db,
  machines: ReadonlyMap<string, MachineStorage>,
): Promise<ChangedStorage[]> {
  const rows = [...machines].map(([id, { lastingBytes, scratchBytes, isWhole, ref }]) => ({
    id,
    lastingBytes,
    scratchBytes,
    isWhole,
    ref: ref ?? null,
  }));
  if (rows.length === 0) return [];
  const lasting = sql`greatest(measured.lasting, case when not measured.is_whole then vm.storage_bytes end)`;
  const scratch = sql`
    case
      when vm.engine_ref is distinct from measured.ref then vm.scratch_bytes
      else greatest(measured.scratch, case when not measured.is_whole then vm.scratch_bytes end)
    end
  `;
  const { rows: changed } = await sql<{ id: string; distribution: string; scratch_bytes: number }>`
    update vm set storage_bytes = ${lasting}, scratch_bytes = ${scratch}
    from unnest(
      ${rows.map(({ id }) => id)}::uuid[],
      ${rows.map(({ lastingBytes }) => lastingBytes)}::bigint[],
      ${rows.map(({ scratchBytes }) => scratchBytes)}::bigint[],
      ${rows.map(({ isWhole }) => isWhole)}::boolean[],
      ${rows.map(({ ref }) => ref)}::text[]
    ) as measured (id, lasting, scratch, is_whole, ref)
    where vm.id = measured.id and (vm.storage_bytes, vm.scratch_bytes) <> (${lasting}, ${scratch})
    returning vm.id, vm.distribution, vm.scratch_bytes
  `.execute(db);
  return changed.map(({ id, distribution, scratch_bytes }) => ({ id, distribution, scratchBytes: scratch_bytes }));
}
