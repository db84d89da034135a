import type { Db } from '../../db/database.ts';
import { isVmStatus } from '../../vm/vm-status.ts';
import type { KnownVm } from './find-drift.ts';

/** What EngineWatch reads of a VM. `status` may be of a newer version. */
export interface VmSummary extends Omit<KnownVm, 'status'> {
  readonly region: string;
  readonly status: string;
}

/** All VMs, in whatever region. */
export async function readVmSummaries(db: Db): Promise<VmSummary[]> {
  const rows = await db.selectFrom('vm').select(['id', 'region', 'status', 'engine_ref', 'address']).execute();
  return rows.map(({ engine_ref: engineRef, ...row }) => ({ ...row, engineRef }));
}

/** Those of the regions whose status this version knows. The others are left to the gateway that wrote them. */
export function knownVms(summaries: readonly VmSummary[], regions: readonly string[]): KnownVm[] {
  return summaries.flatMap(({ region, status, ...vm }) =>
    regions.includes(region) && isVmStatus(status) ? [{ ...vm, status }] : [],
  );
}
