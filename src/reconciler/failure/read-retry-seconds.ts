import { sql } from 'kysely';
import type { Db } from '../../db/database.ts';
import type { Vm } from '../../vm/vm.ts';
import { backoffSeconds } from './vm-failure.ts';

/**
 * Seconds until a failed VM is tried again, by the database's clock. Infinity: only its owner can start it. 0: its
 * owner has changed something since.
 */
export async function readRetrySeconds(db: Db, vm: Vm): Promise<number> {
  if (vm.status !== 'FAILED') return 0;
  const waited = sql<number>`extract(epoch from now() - status_since)::float8`;
  const row = await db
    .selectFrom('vm')
    .select(waited.as('waited'))
    .where('id', '=', vm.id)
    .whereRef('generation', '=', 'observed_generation')
    .executeTakeFirst();
  if (row === undefined) return 0;
  if (vm.lastFailure !== null && vm.lastFailure.retryAt === undefined) return Infinity;
  return Math.max(0, backoffSeconds(vm.attempts) - row.waited);
}
