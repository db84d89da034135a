import { sql } from 'kysely';
import type { Db, Trx } from '../db/database.ts';
import type { Usage } from './limits.ts';
import { toSuspension, type Suspension } from './restrictions/suspension.ts';

const GB = 2 ** 30;

/** What an account uses, and what its row says, which does not exist before its first VM. */
export interface AccountUsage extends Usage {
  readonly plan: string | undefined;
  /** The plan that an operator has set. */
  readonly operatorPlan: string | undefined;
  readonly suspension: Suspension | undefined;
}

/** Reads the usage in one statement. `without`: a VM whose cpu, ram and count are left out, but not its storage. */
export async function readUsage(db: Db | Trx, userId: string, without?: string): Promise<AccountUsage> {
  const on = without === undefined ? sql`enabled` : sql`enabled and id <> ${without}`;
  const row = await db
    .selectFrom('vm')
    .select([
      sql<number>`coalesce(sum(cpu) filter (where ${on}), 0)`.as('cpu'),
      sql<number>`coalesce(sum(ram_gb) filter (where ${on}), 0)`.as('ram'),
      sql<number>`coalesce(sum(storage_bytes), 0)::float8`.as('storage_bytes'),
      sql<number>`count(*) filter (where ${on})`.as('concurrent'),
      sql<number>`count(*)`.as('vms'),
      sql<AccountRow | null>`(
        select json_build_object('plan', plan, 'operatorPlan', operator_plan, 'suspended_at', suspended_at,
          'suspended_reason', suspended_reason)
        from account where user_id = ${userId})`.as('account'),
    ])
    .where('user_id', '=', userId)
    .executeTakeFirstOrThrow();
  const { cpu, ram, storage_bytes, concurrent, vms, account } = row;
  return {
    cpu,
    ram,
    storageGb: storage_bytes / GB,
    concurrentVms: concurrent,
    vms,
    plan: account?.plan,
    operatorPlan: account?.operatorPlan ?? undefined,
    suspension: toSuspension(account),
  };
}

interface AccountRow {
  readonly plan: string;
  readonly operatorPlan: string | null;
  readonly suspended_at: string | null;
  readonly suspended_reason: string | null;
}
