import { sql, type Expression, type SqlBool } from 'kysely';
import type { Db, Trx } from '../db/database.ts';
import { fillTemplate, placeholder } from '../db/statement-template.ts';
import { toPage, type Page, type PageRequest } from '../lib/page.ts';
import type { Vm } from './vm.ts';
import { toVm, type VmProperty } from './vm-columns.ts';
import { VM_STATUSES, type VmStatus } from './vm-status.ts';
import { selectVm } from './vm-store.ts';

/** Which VMs of an account to list. All conditions must hold. */
export interface VmFilter {
  readonly enabled?: boolean | null | undefined;
  readonly status?: readonly VmStatus[] | null | undefined;
  readonly region?: string | null | undefined;
  /** A part of the label, case-insensitive. */
  readonly search?: string | null | undefined;
}

/** The items have the selected properties. */
export interface VmPage extends Page<Vm> {
  /** Absent unless it is selected. */
  readonly totalCount?: number;
}

/** What a list reads. */
export interface VmSelection {
  readonly properties: ReadonlySet<VmProperty>;
  readonly totalCount: boolean;
}

/** Lists a page of the account's VMs in order of creation, in one statement. */
export async function listVms(
  db: Db,
  userId: string,
  { page, filter }: { page: PageRequest; filter: VmFilter },
  selection: VmSelection,
): Promise<VmPage> {
  const conditions = filterConditions(filter);
  const order = page.fromEnd ? 'desc' : 'asc';
  const template =
    conditions.length === 0 ? templateOf(db, selection, order) : listQuery(db, selection, order, conditions).compile();
  const { after = 0, before = Number.MAX_SAFE_INTEGER } = page;
  const { rows } = await db.executeQuery(fillTemplate(template, { userId, after, before, limit: page.size + 1 }));
  // An empty page between cursors has no row with the total. This rare case takes a second statement.
  const isWhole = page.after === undefined && page.before === undefined;
  return {
    ...toPage(rows.map(toVm), page),
    ...(selection.totalCount && { totalCount: rows[0]?.total ?? (isWhole ? 0 : await countVms(db, userId, filter)) }),
  };
}

function listQuery(
  db: Db,
  { properties, totalCount }: VmSelection,
  order: 'asc' | 'desc',
  conditions: readonly Expression<SqlBool>[],
) {
  const userId = placeholder<string>('userId');
  const total = sql<number>`(
    select count(*) from vm where vm.user_id = ${userId} ${sql.join(
      conditions.map((condition) => sql`and ${condition}`),
      sql` `,
    )}
  )`.as('total');
  return selectVm(db, properties)
    .$if(totalCount, (counted) => counted.select(total))
    .where((eb) =>
      eb.and([
        eb('vm.user_id', '=', userId),
        eb('vm.number', '>', placeholder<number>('after')),
        eb('vm.number', '<', placeholder<number>('before')),
        ...conditions,
      ]),
    )
    .orderBy('vm.number', order)
    .limit(placeholder<number>('limit'));
}

type ListTemplate = ReturnType<ReturnType<typeof listQuery>['compile']>;

/** The statement of lists without a filter. */
function templateOf(db: Db, selection: VmSelection, order: 'asc' | 'desc'): ListTemplate {
  const known = templates[order].get(selection) ?? listQuery(db, selection, order, []).compile();
  templates[order].set(selection, known);
  return known;
}

/** A compiled operation selects with the same object each time. */
const templates = { asc: new WeakMap<VmSelection, ListTemplate>(), desc: new WeakMap<VmSelection, ListTemplate>() };

/** Counts the account's VMs that match the filter, including those that are being deleted. */
export async function countVms(db: Db | Trx, userId: string, filter: VmFilter = {}): Promise<number> {
  let query = db
    .selectFrom('vm')
    .select((eb) => eb.fn.countAll<number>().as('total'))
    .where('user_id', '=', userId);
  for (const condition of filterConditions(filter)) query = query.where(condition);
  return (await query.executeTakeFirstOrThrow()).total;
}

function filterConditions({ enabled, status, region, search }: VmFilter): Expression<SqlBool>[] {
  return [
    ...(enabled == null ? [] : [sql<SqlBool>`vm.enabled = ${enabled}`]),
    ...(status == null ? [] : [hasStatus(status)]),
    ...(region == null ? [] : [sql<SqlBool>`vm.region = ${region}`]),
    ...(search == null || search === '' ? [] : [sql<SqlBool>`strpos(lower(vm.vmlabel), lower(${search})) > 0`]),
  ];
}

/** UNKNOWN includes every status that this version does not know, as in `toVmStatus`. */
function hasStatus(status: readonly VmStatus[]): Expression<SqlBool> {
  const isOne = sql<SqlBool>`vm.status = any(${[...status]})`;
  return status.includes('UNKNOWN') ? sql<SqlBool>`(${isOne} or vm.status <> all(${[...VM_STATUSES]}))` : isOne;
}
