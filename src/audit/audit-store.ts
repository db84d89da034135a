import { sql, type RawBuilder } from 'kysely';
import type { Actor } from './viewer.ts';
import type { Db, Trx } from '../db/database.ts';
import type { AuditAction, AuditDetails, AuditEntry } from './audit.ts';

/** These may be repeated without end and change nothing: a row counts them by VM, actor, address and minute. */
const COUNTED: ReadonlySet<AuditAction> = new Set(['SECRETS_READ', 'START_REFUSED']);

/** Told of an action with the commit of the caller's transaction, or not at all. */
export async function recordAction<A extends AuditAction>(
  trx: Trx,
  actor: Actor,
  vm: { readonly id: string; readonly vmlabel: string },
  action: A,
  details: AuditDetails[A],
): Promise<void> {
  await sql`
    insert into audit (user_id, actor, address, action, vm_id, vmlabel, details, minute)
    values (${actor.userId}, ${actor.userId}, ${actor.from}, ${action}, ${vm.id}, ${vm.vmlabel}, ${JSON.stringify(details)}::jsonb, ${minuteOf(action)})
    ${countAgain}
  `.execute(trx);
}

/** The insert that tells of a read of the secrets of those VMs: for a statement that reads them, so that neither happens alone. */
export function readsOfSecrets(actor: Actor, vmIds: readonly string[]): RawBuilder<unknown> {
  return sql`
    insert into audit (user_id, actor, address, action, vm_id, vmlabel, minute)
    select user_id, ${actor.userId}, ${actor.from}, 'SECRETS_READ', id, vmlabel, ${minuteOf('SECRETS_READ')}
    from vm where id = any(${[...vmIds]}::uuid[]) and exists (select from vm_secret where vm_id = vm.id)
    -- Two readers of the same list take the rows in the same order: neither waits for the other.
    order by id
    ${countAgain}
  `;
}

/** The insert that tells that the links in `links` (vm_id, name) were redeemed: whoever held one is not known by name. */
export function redemptionOf(links: RawBuilder<unknown>, from: string): RawBuilder<unknown> {
  return sql`
    insert into audit (user_id, address, action, vm_id, vmlabel, details)
    select vm.user_id, ${from}, 'OPEN_LINK_REDEEMED', vm.id, vm.vmlabel, jsonb_build_object('name', links.name)
    from ${links} as links join vm on vm.id = links.vm_id
  `;
}

const countAgain = sql`
  on conflict (vm_id, action, actor, address, minute) where minute is not null
  do update set count = audit.count + 1, details = excluded.details, at = excluded.at
`;

function minuteOf(action: AuditAction): RawBuilder<unknown> {
  return COUNTED.has(action) ? sql`date_trunc('minute', now())` : sql`null::timestamptz`;
}

export interface AuditPage {
  readonly entries: readonly AuditEntry[];
  readonly hasNextPage: boolean;
}

/** The account's audit, newest first, from before the given number on. */
export async function listAudit(db: Db, userId: string, page: { first: number; before: number | undefined }): Promise<AuditPage> {
  let query = db
    .selectFrom('audit')
    .select(['number', 'actor', 'address', 'action', 'vm_id', 'vmlabel', 'details', 'count', 'at'])
    .where('user_id', '=', userId);
  if (page.before !== undefined) query = query.where('number', '<', page.before);
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

/** Forgets what is older. */
export async function pruneAudit(db: Db, keepDays: number): Promise<void> {
  await db
    .deleteFrom('audit')
    .where('at', '<', sql<Date>`now() - make_interval(days => ${keepDays})`)
    .execute();
}
