import { sql, type Expression, type SqlBool } from 'kysely';
import type { Db, Trx } from '../db/database.ts';
import { fillTemplate, placeholder } from '../db/statement-template.ts';
import { isUuid } from '../lib/is-uuid.ts';
import { toPage, type Page, type PageRequest } from '../lib/page.ts';
import type { Usage } from './limits.ts';
import type { Vm } from './vm.ts';
import { ALL_VM_PROPERTIES, columnsOf, toVm, type VmProperty } from './vm-columns.ts';
import { toVmStatus, VM_STATUSES, type VmStatus } from './vm-status.ts';

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

const EVERYTHING: ReadonlySet<VmProperty> = new Set(ALL_VM_PROPERTIES);

function selectVm(db: Db | Trx, properties = EVERYTHING) {
  return db.selectFrom('vm').select(columnsOf(properties));
}

/** Finds a VM of the account. With `properties`, it has only those. */
export async function findVm(
  db: Db | Trx,
  userId: string,
  id: string,
  properties?: ReadonlySet<VmProperty>,
): Promise<Vm | undefined> {
  if (!isUuid(id)) return undefined;
  const row = await selectVm(db, properties)
    .where('vm.id', '=', id)
    .where('vm.user_id', '=', userId)
    .executeTakeFirst();
  return row === undefined ? undefined : toVm(row);
}

/** Finds VMs of the account by id, with these properties, in one statement. */
export async function findVms(
  db: Db,
  userId: string,
  ids: readonly string[],
  properties: ReadonlySet<VmProperty>,
): Promise<ReadonlyMap<string, Vm>> {
  const rows = await selectVm(db, properties)
    .where('vm.id', '=', sql<string>`any(${ids.filter(isUuid)}::uuid[])`)
    .where('vm.user_id', '=', userId)
    .execute();
  return new Map(rows.map(toVm).map((vm) => [vm.id, vm]));
}

/** A VM with the time of the read by the database's clock. Only this clock is comparable with the row's other times. */
export interface DatedVm extends Vm {
  readonly readAt: Date;
}

/** Finds the VM of any account, for reconciler and ingress. Never use it to answer a request. */
export async function findVmOfAnyone(db: Db | Trx, id: string): Promise<DatedVm | undefined> {
  if (!isUuid(id)) return undefined;
  const row = await selectVm(db)
    .select(sql<Date>`now()`.as('readAt'))
    .where('vm.id', '=', id)
    .executeTakeFirst();
  return row === undefined ? undefined : { ...toVm(row), readAt: row.readAt };
}

/** Finds the VMs of any account, for the ingress. Never use it to answer a request of an account. */
export async function findVmsOfAnyone(db: Db, ids: readonly string[]): Promise<ReadonlyMap<string, Vm>> {
  const rows = await selectVm(db)
    .where('vm.id', '=', sql<string>`any(${ids.filter(isUuid)}::uuid[])`)
    .execute();
  return new Map(rows.map((row) => [row.id, toVm(row)]));
}

/**
 * For each VM the columns that decide where its addresses lead, in the form of `versionOf`. Deleted VMs are missing.
 */
export async function findVmVersions(db: Db, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const rows = await db
    .selectFrom('vm')
    .select(['id', 'last_event_seq', 'status', 'engine_ref', 'address'])
    .where('id', '=', sql<string>`any(${ids}::uuid[])`)
    .execute();
  return new Map(
    rows.map(({ id, last_event_seq, status, engine_ref, address }) => [
      id,
      textOf(last_event_seq, toVmStatus(status), engine_ref, address),
    ]),
  );
}

export function versionOf({ lastEventSeq, status, engineRef, address }: Vm): string {
  return textOf(lastEventSeq, status, engineRef, address);
}

function textOf(...parts: readonly (string | number | null)[]): string {
  return parts.join(' ');
}

/** Reads and locks the VM until the transaction ends. Lock the account first, or two transactions may deadlock. */
export async function lockVm(trx: Trx, userId: string, id: string): Promise<Vm | undefined> {
  if (!isUuid(id)) return undefined;
  const row = await selectVm(trx)
    .where('vm.id', '=', id)
    .where('vm.user_id', '=', userId)
    .forUpdate('vm')
    .executeTakeFirst();
  return row === undefined ? undefined : toVm(row);
}

/** Finds the VM created with this idempotency key, and the fingerprint of that call's input. */
export async function findVmByKey(
  trx: Trx,
  userId: string,
  key: string,
): Promise<{ id: string; hash: string | null } | undefined> {
  const row = await trx
    .selectFrom('vm')
    .select(['id', 'idempotency_hash'])
    .where('user_id', '=', userId)
    .where('idempotency_key', '=', key)
    .executeTakeFirst();
  return row === undefined ? undefined : { id: row.id, hash: row.idempotency_hash };
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

const GB = 2 ** 30;

/** What an account uses, and the plan code of its row, which does not exist before its first VM. */
export interface AccountUsage extends Usage {
  readonly plan: string | undefined;
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
      sql<string | null>`(select plan from account where user_id = ${userId})`.as('plan'),
    ])
    .where('user_id', '=', userId)
    .executeTakeFirstOrThrow();
  const { cpu, ram, storage_bytes, concurrent, vms, plan } = row;
  return { cpu, ram, storageGb: storage_bytes / GB, concurrentVms: concurrent, vms, plan: plan ?? undefined };
}
