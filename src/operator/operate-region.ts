import { sql } from 'kysely';
import { recordAccountAction } from '../audit/audit-store.ts';
import type { Actor } from '../audit/viewer.ts';
import type { Catalog, Region } from '../catalog/catalog.ts';
import type { Db, Trx } from '../db/database.ts';
import { notifyAfterCommit, runTransaction } from '../db/transaction.ts';
import { ApiError } from '../errors.ts';
import type { RegionDrains } from '../vm/restrictions/region-drains.ts';
import { parseReason } from './require-operator.ts';

interface Dependencies {
  readonly db: Db;
  readonly catalog: Catalog;
  readonly drains: Pick<RegionDrains, 'reread'>;
}

/** Lets nothing new start in the region; what is on goes on. NOT_FOUND for a region that is not configured. */
export async function drainRegion(deps: Dependencies, operator: Actor, code: string, text: string): Promise<Region> {
  const reason = parseReason(text);
  return changeRegion(deps, code, async (trx) => {
    const { numInsertedOrUpdatedRows } = await trx
      .insertInto('region_drain')
      .values({ region: code, reason })
      .onConflict((conflict) =>
        conflict.column('region').doUpdateSet({ reason }).where('region_drain.reason', '<>', reason),
      )
      .executeTakeFirst();
    if (numInsertedOrUpdatedRows === 0n) return;
    await recordAccountAction(trx, operator, operator.userId, 'REGION_DRAINED', { region: code, reason });
  });
}

/** Accepts starts in the region again. */
export async function resumeRegion(deps: Dependencies, operator: Actor, code: string): Promise<Region> {
  return changeRegion(deps, code, async (trx) => {
    const { rows } = await sql`delete from region_drain where region = ${code} returning region`.execute(trx);
    if (rows.length > 0) await recordAccountAction(trx, operator, operator.userId, 'REGION_RESUMED', { region: code });
  });
}

async function changeRegion(
  { db, catalog, drains }: Dependencies,
  code: string,
  change: (trx: Trx) => Promise<void>,
): Promise<Region> {
  const region = catalog.regions.get(code);
  if (region === undefined) throw new ApiError('NOT_FOUND');
  await runTransaction(db, async (trx) => {
    await change(trx);
    notifyAfterCommit(trx, 'region_drain', code);
  });
  await drains.reread();
  return region;
}
