import { sql, type RawBuilder } from 'kysely';
import type { Actor } from './viewer.ts';
import type { Db, Trx } from '../db/database.ts';
import type { AuditAction, AuditDetails, AuditEntry } from './audit.ts';

/**
 * Records an action in the caller's transaction, so that both commit or neither does. Equal actions of a minute (same
 * VM, actor, address and details) are one row that counts them, because clients repeat them without limit.
 */
export async function recordAction<A extends AuditAction>(
  trx: Trx,
  actor: Actor,
  vm: { readonly id: string; readonly vmlabel: string },
  action: A,
  details: AuditDetails[A],
): Promise<void> {
  await sql`
    insert into audit (user_id, actor, address, action, vm_id, vmlabel, details, repeats_in)
    values (${actor.userId}, ${actor.userId}, ${actor.from}, ${action}, ${vm.id}, ${vm.vmlabel},
      ${JSON.stringify(details)}::jsonb, ${thisMinute})
    ${incrementCount}
  `.execute(trx);
}

/** The insert that records a read of the secrets of those VMs, for use in the statement that reads them. */
export function recordSecretReads(actor: Actor, vmIds: readonly string[]): RawBuilder<unknown> {
  return sql`
    insert into audit (user_id, actor, address, action, vm_id, vmlabel, repeats_in)
    select user_id, ${actor.userId}, ${actor.from}, 'SECRETS_READ', id, vmlabel, ${thisMinute}
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

const thisMinute = sql`date_trunc('minute', now())`;

const incrementCount = sql`
  on conflict (vm_id, action, actor, address, details, repeats_in) where repeats_in is not null
  do update set count = audit.count + 1, at = excluded.at
`;

export interface AuditPage {
  readonly entries: readonly AuditEntry[];
  readonly hasNextPage: boolean;
}

/** A page of the account's audit, newest first: the entries before the given number that fit the filter. */
export async function listAudit(
  db: Db,
  userId: string,
  page: { first: number; before: number | undefined },
  filter: { vmId?: string | undefined; actions?: readonly AuditAction[] | undefined } = {},
): Promise<AuditPage> {
  let query = db
    .selectFrom('audit')
    .select(['number', 'actor', 'address', 'action', 'vm_id', 'vmlabel', 'details', 'count', 'at'])
    .where('user_id', '=', userId);
  if (page.before !== undefined) query = query.where('number', '<', page.before);
  if (filter.vmId !== undefined) query = query.where('vm_id', '=', filter.vmId);
  if (filter.actions !== undefined)
    query = query.where('action', '=', sql<AuditAction>`any(${[...filter.actions]}::text[])`);
  const rows = await query
    .orderBy('number', 'desc')
    .limit(page.first + 1)
    .execute();
  const entries = rows.slice(0, page.first).map(({ vm_id, action, details, ...row }) => ({
    ...row,
    vmId: vm_id,
    action: action as AuditAction,
    details: details as AuditEntry['details'],
  }));
  return { entries, hasNextPage: rows.length > page.first };
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
