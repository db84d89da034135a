import { sql } from 'kysely';
import type { Db, Trx } from '../../db/database.ts';
import { defineStatement, type Parameter, type Statement } from '../../db/statement-template.ts';
import { isUuid } from '../../lib/is-uuid.ts';
import { selectOpenAccesses } from '../access/access-store.ts';
import type { VmAccess } from '../access/vm-access.ts';
import type { Vm } from '../vm.ts';
import { ALL_VM_PROPERTIES, columnsOf, toVm, type VmProperty } from './vm-columns.ts';
import { toVmStatus } from '../vm-status.ts';

/** Selects VMs with these columns; by default, with all. */
export function selectVm(db: Db | Trx, properties = ALL_VM_PROPERTIES) {
  return db.selectFrom('vm').select(columnsOf(properties));
}

/** Finds a VM of the account. With `properties`, it has only those. */
export async function findVm(
  db: Db | Trx,
  userId: string,
  id: string,
  properties = ALL_VM_PROPERTIES,
): Promise<Vm | undefined> {
  if (!isUuid(id)) return undefined;
  const [row] = (await selectOwn(properties)(db, { id, userId })).rows;
  return row === undefined ? undefined : toVm(row);
}

type OwnVm = { readonly id: string; readonly userId: string };

/** A compiled operation asks with the same set each time. */
const selects = new WeakMap<ReadonlySet<VmProperty>, Statement<OwnVm, object>>();

function selectOwn(properties: ReadonlySet<VmProperty>): Statement<OwnVm, object> {
  const known =
    selects.get(properties) ??
    defineStatement((db, parameter: Parameter<OwnVm>) => ofOwner(selectVm(db, properties), parameter));
  selects.set(properties, known);
  return known;
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

/** Finds the VMs of any account, for the reconciler. Never use it to answer a request. */
export async function findDatedVms(db: Db, ids: readonly string[]): Promise<ReadonlyMap<string, DatedVm>> {
  const rows = await selectVm(db)
    .select(sql<Date>`now()`.as('readAt'))
    .where('vm.id', '=', sql<string>`any(${[...ids]}::uuid[])`)
    .execute();
  return new Map(rows.map((row) => [row.id, toVm(row) as DatedVm]));
}

/** A VM with who may open it. */
export interface VisitedVm extends Vm {
  readonly accesses: readonly VmAccess[];
  /** Grows when an access is ended. */
  readonly accessVersion: number;
}

/** Finds the VMs of any account, for the ingress. Never use it to answer a request of an account. */
export async function findVmsOfAnyone(db: Db, ids: readonly string[]): Promise<ReadonlyMap<string, VisitedVm>> {
  const rows = await selectVm(db)
    .select(['vm.access_version as accessVersion', selectOpenAccesses.as('accesses')])
    .where('vm.id', '=', sql<string>`any(${ids.filter(isUuid)}::uuid[])`)
    .execute();
  return new Map(rows.map((row) => [row.id, toVm(row) as VisitedVm]));
}

/**
 * For each VM the columns that decide where its addresses lead, and for whom, in the form of `versionOf`. Deleted VMs
 * are missing.
 */
export async function findVmVersions(db: Db, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const rows = await db
    .selectFrom('vm')
    .select(['id', 'last_event_seq', 'access_version', 'status', 'engine_ref', 'address', 'node'])
    .where('id', '=', sql<string>`any(${ids}::uuid[])`)
    .execute();
  return new Map(
    rows.map(({ id, last_event_seq, access_version, status, engine_ref, address, node }) => [
      id,
      textOf(last_event_seq, access_version, toVmStatus(status), engine_ref, address, node),
    ]),
  );
}

export function versionOf({ lastEventSeq, accessVersion, status, engineRef, address, node }: VisitedVm): string {
  return textOf(lastEventSeq, accessVersion, status, engineRef, address, node);
}

function textOf(...parts: readonly (string | number | null)[]): string {
  return parts.join(' ');
}

/** What changes of a VM depend on. */
const DECISIVE = [
  'id',
  'userId',
  'vmlabel',
  'region',
  'distribution',
  'desktop',
  'cpu',
  'ramGb',
  'enabled',
  'deleting',
  'incarnation',
  'status',
  'boot',
  'storageGb',
] as const satisfies readonly VmProperty[];
/** What has a subquery of its own: it is read for the changes that name it. */
export type Composed = 'mappings' | 'ports' | 'image';

/** A VM that a transaction has locked. */
export type LockedVm<N extends Composed = never> = Pick<Vm, (typeof DECISIVE)[number] | N>;

/**
 * Reads and locks the VM until the transaction ends; `needs`: what is read of it beside the usual. Lock the account
 * first, or two transactions may deadlock.
 */
export async function lockVm<N extends Composed = never>(
  trx: Trx,
  userId: string,
  id: string,
  needs: readonly N[] = [],
): Promise<LockedVm<N> | undefined> {
  if (!isUuid(id)) return undefined;
  const [row] = (await lockStatement(needs)(trx, { id, userId })).rows;
  return row === undefined ? undefined : toVm(row);
}

const locks = new Map<string, Statement<OwnVm, object>>();

function lockStatement(needs: readonly Composed[]): Statement<OwnVm, object> {
  const key = needs.join();
  const known = locks.get(key);
  if (known !== undefined) return known;
  const properties = new Set<VmProperty>([...DECISIVE, ...needs]);
  const lock = defineStatement((db, parameter: Parameter<OwnVm>) =>
    ofOwner(selectVm(db, properties), parameter).forUpdate('vm'),
  );
  locks.set(key, lock);
  return lock;
}

function ofOwner(select: ReturnType<typeof selectVm>, parameter: Parameter<OwnVm>): ReturnType<typeof selectVm> {
  return select.where('vm.id', '=', parameter('id')).where('vm.user_id', '=', parameter('userId'));
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
