import type { Db, Trx } from '../../db/database.ts';
import { ApiError } from '../../errors.ts';

/** Why nothing new starts in a region. What runs there goes on. */
export interface RegionDrain {
  readonly region: string;
  /** In the operator's words. */
  readonly reason: string;
  readonly since: Date;
}

/** Every drained region, in the order of their codes. */
export async function listDrains(db: Db): Promise<RegionDrain[]> {
  return db.selectFrom('region_drain').select(['region', 'reason', 'since']).orderBy('region').execute();
}

/** What a user is told whose start is refused. */
export function drainMessage({ region, reason }: Pick<RegionDrain, 'region' | 'reason'>): string {
  return `Nothing new starts in the region "${region}" now: ${reason}`;
}

/** REGION_DRAINED with the operator's words. Reads the row, so that no gateway starts a VM after the drain. */
export async function refuseInDrainedRegion(trx: Trx, region: string): Promise<void> {
  const row = await trx.selectFrom('region_drain').select('reason').where('region', '=', region).executeTakeFirst();
  if (row !== undefined) throw new ApiError('REGION_DRAINED', drainMessage({ region, reason: row.reason }));
}
