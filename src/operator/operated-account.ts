import { sql, type SqlBool } from 'kysely';
import type { Db } from '../db/database.ts';
import { toPage, type Page, type PageRequest } from '../lib/page.ts';
import { toSuspension, type Suspension } from '../vm/restrictions/suspension.ts';

/** An account as an operator sees it. */
export interface OperatedAccount {
  readonly number: number;
  readonly userId: string;
  /** The code of the plan that its last token or its creation gave it. */
  readonly plan: string;
  /** The code of the plan that an operator has set, which counts before the others. */
  readonly operatorPlan: string | null;
  readonly suspension: Suspension | undefined;
  readonly createdAt: Date;
  /** Of its enabled VMs. */
  readonly cpu: number;
  readonly ram: number;
  readonly enabledVms: number;
  readonly vms: number;
  readonly storageBytes: number;
}

/** Which accounts to list. All conditions must hold. */
export interface OperatedAccountFilter {
  readonly suspended?: boolean | null | undefined;
  /** The code of the plan that counts, if no token names another. */
  readonly plan?: string | null | undefined;
  /** A part of the user's id, case-insensitive. */
  readonly search?: string | null | undefined;
}

const usage = sql<Pick<OperatedAccount, 'cpu' | 'ram' | 'enabledVms' | 'vms' | 'storageBytes'>>`(
  select json_build_object('cpu', coalesce(sum(cpu) filter (where enabled), 0),
    'ram', coalesce(sum(ram_gb) filter (where enabled), 0), 'enabledVms', count(*) filter (where enabled),
    'vms', count(*), 'storageBytes', coalesce(sum(storage_bytes), 0))
  from vm where vm.user_id = account.user_id
)`.as('usage');

function selectOperatedAccount(db: Db) {
  return db
    .selectFrom('account')
    .select(['number', 'user_id as userId', 'plan', 'operator_plan as operatorPlan', 'created_at as createdAt'])
    .select(['suspended_at', 'suspended_reason', usage]);
}

/** Only for operators. */
export async function findOperatedAccount(db: Db, userId: string): Promise<OperatedAccount | undefined> {
  const row = await selectOperatedAccount(db).where('user_id', '=', userId).executeTakeFirst();
  return row && toAccount(row);
}

/** Lists a page of all accounts in order of creation. Only for operators. */
export async function listOperatedAccounts(
  db: Db,
  page: PageRequest,
  { suspended, plan, search }: OperatedAccountFilter,
): Promise<Page<OperatedAccount>> {
  const { after, before, fromEnd, size } = page;
  let query = selectOperatedAccount(db);
  if (after !== undefined) query = query.where('number', '>', after);
  if (before !== undefined) query = query.where('number', '<', before);
  if (suspended != null) query = query.where('suspended_at', suspended ? 'is not' : 'is', null);
  if (plan != null) query = query.where(sql<SqlBool>`coalesce(operator_plan, plan) = ${plan}`);
  if (search != null && search !== '') query = query.where(sql<SqlBool>`strpos(lower(user_id), lower(${search})) > 0`);
  const rows = await query
    .orderBy('number', fromEnd ? 'desc' : 'asc')
    .limit(size + 1)
    .execute();
  return toPage(rows.map(toAccount), page);
}

type Row = Awaited<ReturnType<ReturnType<typeof selectOperatedAccount>['executeTakeFirstOrThrow']>>;

function toAccount({ usage: used, suspended_at, suspended_reason, ...row }: Row): OperatedAccount {
  return { ...row, ...used, suspension: toSuspension({ suspended_at, suspended_reason }) };
}
