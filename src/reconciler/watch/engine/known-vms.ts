import { sql } from 'kysely';
import type { Db } from '../../../db/database.ts';
import { isUuid } from '../../../lib/is-uuid.ts';
import { isVmStatus } from '../../../vm/vm-status.ts';
import type { KnownVm } from './find-drift.ts';

/** What EngineWatch reads of a VM. `status` may be of a newer version. */
export interface VmSummary extends Omit<KnownVm, 'status'> {
  readonly region: string;
  readonly status: string;
}

/**
 * The VMs of the regions that are not stopped, and those with these ids, in whatever region and status. Stopped VMs,
 * which may be most, cost nothing.
 */
export async function readVmSummaries(
  db: Db,
  regions: readonly string[],
  ids: Iterable<string> = [],
): Promise<VmSummary[]> {
  // A label on the engine may hold anything.
  const uuids = [...new Set(ids)].filter(isUuid);
  const rows = await db
    .selectFrom('vm')
    .select(['id', 'region', 'status', 'engine_ref', 'address', 'node'])
    .where((eb) =>
      eb.or([
        // A literal, which the partial index needs.
        eb.and([eb('region', '=', sql<string>`any(${[...regions]})`), sql<boolean>`status <> 'STOPPED'`]),
        eb('id', '=', sql<string>`any(${uuids}::uuid[])`),
      ]),
    )
    .execute();
  return rows.map(({ engine_ref: engineRef, ...row }) => ({ ...row, engineRef }));
}

/** Those of the regions whose status this version knows. The others are left to the gateway that wrote them. */
export function knownVms(summaries: readonly VmSummary[], regions: readonly string[]): KnownVm[] {
  return summaries.flatMap(({ region, status, ...vm }) =>
    regions.includes(region) && isVmStatus(status) ? [{ ...vm, status }] : [],
  );
}
