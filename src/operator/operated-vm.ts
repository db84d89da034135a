import { sql, type SqlBool } from 'kysely';
import type { Db, Trx } from '../db/database.ts';
import { isUuid } from '../lib/is-uuid.ts';
import { toPage, type Page, type PageRequest } from '../lib/page.ts';
import type { Vm } from '../vm/vm.ts';
import { toVmStatus, VM_STATUSES, type VmStatus } from '../vm/vm-status.ts';

/** What an operator sees of the VM itself. */
type Shown =
  | 'number'
  | 'id'
  | 'userId'
  | 'vmlabel'
  | 'region'
  | 'distribution'
  | 'desktop'
  | 'cpu'
  | 'ramGb'
  | 'persistent'
  | 'enabled'
  | 'deleting'
  | 'status'
  | 'statusSince'
  | 'storageBytes'
  | 'scratchBytes';

/** A VM as an operator sees it: what it uses and how it is, and nothing that its owner keeps in it. */
export interface OperatedVm extends Pick<Vm, Shown> {
  readonly failureCode: string | null;
  readonly failureMessage: string | null;
  readonly createdAt: Date;
}

/** Which VMs to list. All conditions must hold. */
export interface OperatedVmFilter {
  readonly userId?: string | null | undefined;
  readonly enabled?: boolean | null | undefined;
  readonly status?: readonly VmStatus[] | null | undefined;
  readonly region?: string | null | undefined;
  /** The code of the catalog's entry. */
  readonly distribution?: string | null | undefined;
  /** A part of the label, case-insensitive. */
  readonly search?: string | null | undefined;
}

function selectOperatedVm(db: Db | Trx) {
  return db
    .selectFrom('vm')
    .select(['number', 'id', 'user_id as userId', 'vmlabel', 'region', 'distribution', 'desktop', 'cpu'])
    .select(['ram_gb as ramGb', 'persistent', 'enabled', 'deleting', 'status', 'status_since as statusSince'])
    .select(['storage_bytes as storageBytes', 'scratch_bytes as scratchBytes', 'created_at as createdAt'])
    .select(sql<string | null>`last_failure->>'code'`.as('failureCode'))
    .select(sql<string | null>`last_failure->>'message'`.as('failureMessage'));
}

/** Finds the VM of any account. Only for operators. */
export async function findOperatedVm(db: Db | Trx, id: string): Promise<OperatedVm | undefined> {
  if (!isUuid(id)) return undefined;
  const row = await selectOperatedVm(db).where('id', '=', id).executeTakeFirst();
  return row && { ...row, status: toVmStatus(row.status) };
}

/** Lists a page of the VMs of all accounts in order of creation. Only for operators. */
export async function listOperatedVms(db: Db, page: PageRequest, filter: OperatedVmFilter): Promise<Page<OperatedVm>> {
  const { userId, enabled, status, region, distribution, search } = filter;
  const { after, before, fromEnd, size } = page;
  let query = selectOperatedVm(db);
  if (after !== undefined) query = query.where('number', '>', after);
  if (before !== undefined) query = query.where('number', '<', before);
  if (userId != null) query = query.where('user_id', '=', userId);
  if (enabled != null) query = query.where('enabled', '=', enabled);
  if (region != null) query = query.where('region', '=', region);
  if (distribution != null) query = query.where('distribution', '=', distribution);
  if (status != null) query = query.where(hasStatus(status));
  if (search != null && search !== '') query = query.where(sql<SqlBool>`strpos(lower(vmlabel), lower(${search})) > 0`);
  const rows = await query
    .orderBy('number', fromEnd ? 'desc' : 'asc')
    .limit(size + 1)
    .execute();
  return toPage(
    rows.map((row) => ({ ...row, status: toVmStatus(row.status) })),
    page,
  );
}

/** UNKNOWN includes every status that this version does not know, as in `toVmStatus`. */
function hasStatus(status: readonly VmStatus[]) {
  const isOne = sql<SqlBool>`status = any(${[...status]}::text[])`;
  return status.includes('UNKNOWN') ? sql<SqlBool>`(${isOne} or status <> all(${[...VM_STATUSES]}::text[]))` : isOne;
}
