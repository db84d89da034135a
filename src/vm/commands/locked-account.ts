import { sql, type Selectable } from 'kysely';
import type { Viewer } from '../../audit/viewer.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import { knownPlan, planOf } from '../../catalog/plan-of.ts';
import type { Plan } from '../../catalog/plan.ts';
import type { Trx } from '../../db/database.ts';
import { defineStatement, type Parameter } from '../../db/statement-template.ts';
import type { AccountTable } from '../../db/tables.ts';
import { reserveEventSeq, takenSeq } from '../../events/append-event.ts';
import { toSuspension, type Suspension } from '../restrictions/suspension.ts';

/** What an account allows, while a transaction has its row locked. */
export interface LockedAccount {
  readonly plan: Plan;
  readonly suspension: Suspension | undefined;
}

const ACCOUNT_COLUMNS = ['plan', 'operator_plan', 'suspended_at', 'suspended_reason'] as const;

/** Locks the account, and takes the number of the event that nearly every command makes. */
export async function lockAccount(trx: Trx, viewer: Viewer, catalog: Catalog): Promise<LockedAccount | undefined> {
  const told = knownPlan(catalog, viewer.plan)?.code ?? null;
  const [row] = (await takeAccount(trx, { userId: viewer.userId, told })).rows;
  if (row === undefined) return undefined;
  reserveEventSeq(trx, row);
  return toLocked(catalog, viewer, row);
}

const takeAccount = defineStatement((db, parameter: Parameter<{ userId: string; told: string | null }>) =>
  db
    .updateTable('account')
    .set({ ...takenSeq.set, plan: sql<string>`coalesce(${parameter('told')}, plan)` })
    .where('user_id', '=', parameter('userId'))
    .returning([...ACCOUNT_COLUMNS, ...takenSeq.returning]),
);

/** Locks the account, which is created with its first VM. Returns its plan. */
export async function openAccount(trx: Trx, viewer: Viewer, catalog: Catalog): Promise<LockedAccount> {
  const plan = knownPlan(catalog, viewer.plan);
  const row = await trx
    .insertInto('account')
    .values({ user_id: viewer.userId, plan: (plan ?? catalog.defaultPlan).code, event_seq: 1 })
    .onConflict((conflict) =>
      conflict
        .column('user_id')
        .doUpdateSet((eb) => ({ ...takenSeq.set, plan: plan === undefined ? eb.ref('account.plan') : plan.code })),
    )
    .returning([...ACCOUNT_COLUMNS, ...takenSeq.returning])
    .executeTakeFirstOrThrow();
  reserveEventSeq(trx, row);
  return toLocked(catalog, viewer, row);
}

function toLocked(
  catalog: Catalog,
  { plan }: Pick<Viewer, 'plan'>,
  row: Pick<Selectable<AccountTable>, (typeof ACCOUNT_COLUMNS)[number]>,
): LockedAccount {
  return {
    plan: planOf(catalog, { byOperator: row.operator_plan, byToken: plan, own: row.plan }),
    suspension: toSuspension(row),
  };
}
