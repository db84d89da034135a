import { sql, type RawBuilder } from 'kysely';
import { nameOf, type Actor } from './viewer.ts';
import type { Db, Trx } from '../db/database.ts';
import { toPage, type Page, type PageRequest } from '../lib/page.ts';
import { NIL_UUID } from '../lib/is-uuid.ts';
import { isAuditAction, type AuditAction, type AuditDetails, type AuditEntry } from './audit.ts';

/** What the audit of a VM's owner says of an action on the VM. */
export interface VmAction<A extends AuditAction = AuditAction> {
  readonly actor: Actor;
  readonly vm: { readonly id: string; readonly vmlabel: string; readonly userId: string };
  readonly action: A;
  readonly details: AuditDetails[A];
}

/**
 * Records an action on a VM in the caller's transaction, in the audit of its owner, so that both commit or neither
 * does. Equal actions of a minute (same VM, actor, address and details) are one row that counts them, because clients
 * repeat them without limit.
 */
export async function recordAction<A extends AuditAction>(trx: Trx, action: VmAction<A>): Promise<void> {
  await insertAction(action).execute(trx);
}

/** The insert of `recordAction`, for use in the statement that performs the action. */
export function insertAction<A extends AuditAction>({ actor, vm, action, details }: VmAction<A>): RawBuilder<object> {
  return sql<object>`
    insert into audit (user_id, actor, address, action, vm_id, vmlabel, details, repeats_in)
    values (${vm.userId}, ${nameOf(actor)}, ${actor.from}, ${action}, ${vm.id}, ${vm.vmlabel},
      ${JSON.stringify(details)}::jsonb, ${thisMinute})
    ${incrementCount}
  `;
}

/** Records an action on an account in the caller's transaction. */
export async function recordAccountAction<A extends AuditAction>(
  trx: Trx,
  actor: Actor,
  userId: string,
  action: A,
  details: AuditDetails[A],
): Promise<void> {
  // Not counted by minutes: only VMs tell equal actions of different accounts apart.
  await sql`
    insert into audit (user_id, actor, address, action, vm_id, vmlabel, details)
    values (${userId}, ${nameOf(actor)}, ${actor.from}, ${action}, ${NIL_UUID}, '', ${JSON.stringify(details)}::jsonb)
  `.execute(trx);
}

/** The insert that records a read of the secrets of those VMs, for use in the statement that reads them. */
export function recordSecretReads(actor: Actor, vmIds: readonly string[]): RawBuilder<unknown> {
  return sql`
    insert into audit (user_id, actor, address, action, vm_id, vmlabel, repeats_in)
    select user_id, ${nameOf(actor)}, ${actor.from}, 'SECRETS_READ', id, vmlabel, ${thisMinute}
    from vm where id = any(${[...vmIds]}::uuid[]) and exists (select from vm_secret where vm_id = vm.id)
    -- Concurrent readers lock the rows in the same order and cannot deadlock.
    order by id
    ${incrementCount}
  `;
}

/** The insert that records the redemption of `links` (vm_id, name). A link's holder is anonymous. */
export function recordRedemption(links: RawBuilder<unknown>, from: string): RawBuilder<unknown> {
  return sql`
    insert into audit (user_id, address, action, vm_id, vmlabel, details, repeats_in)
    select vm.user_id, ${from}, 'OPEN_LINK_REDEEMED', vm.id, vm.vmlabel,
      jsonb_build_object('name', links.name), ${thisMinute}
    from ${links} as links join vm on vm.id = links.vm_id
    ${incrementCount}
  `;
}

/** The insert that records that the holders of `accesses` (vm_id, name, role, is_guest) are signed in to their apps. */
export function recordAppSignIn(accesses: RawBuilder<unknown>, from: string): RawBuilder<unknown> {
  return sql`
    insert into audit (user_id, actor, address, action, vm_id, vmlabel, details, repeats_in)
    select vm.user_id, case when accesses.is_guest then null else vm.user_id end, ${from}, 'APP_SIGNED_IN', vm.id,
      vm.vmlabel, jsonb_build_object('name', accesses.name, 'role', accesses.role), ${thisMinute}
    from ${accesses} as accesses join vm on vm.id = accesses.vm_id
    ${incrementCount}
  `;
}

/** The holder of an access, and the client's address. */
export interface AccessHolder {
  readonly vmId: string;
  readonly accessId: string;
  readonly from: string;
}

/** Records what the holder of an access does. False if the access has ended, or is not to control the VM. */
export async function recordByAccess<A extends AuditAction>(
  db: Db,
  { vmId, accessId, from }: AccessHolder,
  action: A,
  details: AuditDetails[A],
): Promise<boolean> {
  const { rows } = await sql`
    insert into audit (user_id, actor, address, action, vm_id, vmlabel, details, repeats_in)
    select vm.user_id, case when a.is_guest then null else vm.user_id end, ${from}, ${action}, vm.id, vm.vmlabel,
      ${JSON.stringify(details)}::jsonb, ${thisMinute}
    from vm_access a join vm on vm.id = a.vm_id
    where a.id = ${accessId} and vm.id = ${vmId} and a.until > now() and a.role = 'CONTROL'
    ${incrementCount}
    returning 1
  `.execute(db);
  return rows.length > 0;
}

const thisMinute = sql`date_trunc('minute', now())`;

const incrementCount = sql`
  on conflict (vm_id, action, actor, address, details, repeats_in) where repeats_in is not null
  do update set count = audit.count + 1, at = excluded.at
`;

const COLUMNS = ['number', 'actor', 'address', 'action', 'vm_id', 'vmlabel', 'details', 'count', 'at'] as const;

/** Finds entries of the account by their numbers, in any order. */
export async function findAuditEntries(db: Db, userId: string, numbers: readonly number[]): Promise<AuditEntry[]> {
  const rows = await db
    .selectFrom('audit')
    .select(COLUMNS)
    .where('user_id', '=', userId)
    .where('number', '=', sql<number>`any(${[...numbers]}::bigint[])`)
    .execute();
  return rows.map(toEntry);
}

/** A page of the account's audit, newest first: of the entries that fit the filter. */
export async function listAudit(
  db: Db,
  userId: string,
  page: PageRequest,
  filter: { vmId?: string | undefined; actions?: readonly AuditAction[] | undefined } = {},
): Promise<Page<AuditEntry>> {
  let query = db.selectFrom('audit').select(COLUMNS).where('user_id', '=', userId);
  if (page.after !== undefined) query = query.where('number', '<', page.after);
  if (page.before !== undefined) query = query.where('number', '>', page.before);
  if (filter.vmId !== undefined) query = query.where('vm_id', '=', filter.vmId);
  if (filter.actions !== undefined)
    query = query.where('action', '=', sql<AuditAction>`any(${[...filter.actions]}::text[])`);
  const rows = await query
    .orderBy('number', page.fromEnd ? 'asc' : 'desc')
    .limit(page.size + 1)
    .execute();
  return toPage(rows.map(toEntry), page);
}

interface AuditRow extends Omit<AuditEntry, 'vmId' | 'action' | 'details'> {
  readonly vm_id: string;
  readonly action: string;
  readonly details: unknown;
}

function toEntry({ vm_id, action, details, ...row }: AuditRow): AuditEntry {
  return {
    ...row,
    vmId: vm_id,
    action: isAuditAction(action) ? action : 'OTHER',
    details: details as AuditEntry['details'],
  };
}

/** The entries that are kept of an account at most. Filling them takes days of changes at the highest allowed rate. */
export const MAX_AUDIT_ENTRIES = 200_000;

/** Deletes older entries, and the oldest of accounts that are active and have more than `most`. */
export async function pruneAudit(db: Db, keepDays: number, most = MAX_AUDIT_ENTRIES): Promise<void> {
  await db
    .deleteFrom('audit')
    .where('at', '<', sql<Date>`now() - make_interval(days => ${keepDays})`)
    .execute();
  await sql`
    delete from audit using (
      select active.user_id, excess.number
      from (select distinct user_id from audit where at > now() - interval '1 hour') as active
      cross join lateral (
        select number from audit where user_id = active.user_id order by number desc offset ${most} limit 1
      ) as excess
    ) as full_accounts
    where audit.user_id = full_accounts.user_id and audit.number <= full_accounts.number
  `.execute(db);
}
