import { sql, type RawBuilder, type SqlBool } from 'kysely';
import { recordRedemption } from '../../audit/audit-store.ts';
import type { Db, Trx } from '../../db/database.ts';
import type { AccessRole, AccessScope, ListedAccess, VmAccess } from './vm-access.ts';

/** The accesses of the row `vm` that are open now, as JSON, for the ingress. */
export const selectOpenAccesses: RawBuilder<VmAccess[]> = sql<VmAccess[]>`(
  select coalesce(json_agg(json_build_object(
    'id', a.id, 'hash', translate(encode(a.token_hash, 'base64'), '+/=', '-_'), 'role', a.role,
    'isGuest', a.is_guest, 'signsIn', a.signs_in, 'replaces', (
      select coalesce(json_agg(translate(encode(r.hash, 'base64'), '+/=', '-_')), '[]') from unnest(a.replaced) r (hash)),
    'until', floor(extract(epoch from a.until) * 1000))), '[]')
  from vm_access a where a.vm_id = vm.id and a.token_hash is not null and a.until > now()
)`;

/** An unused link is over with its own time, an access with `until`. */
const isOver = sql<SqlBool>`(until <= now() or (token_hash is null and link_until <= now()))`;

export interface NewAccess {
  readonly scope: AccessScope;
  readonly linkHash: Buffer;
  readonly role: AccessRole;
  readonly isGuest: boolean;
  readonly signsIn: boolean;
  readonly linkUntil: Date;
  readonly until: Date;
  /** The API token by which it is made. */
  readonly apiTokenId: string | undefined;
}

/** Stores a link. */
export async function insertAccess(trx: Trx, access: NewAccess): Promise<void> {
  const { scope, linkHash, role, isGuest, signsIn, linkUntil, until, apiTokenId } = access;
  await trx
    .insertInto('vm_access')
    .values({
      vm_id: scope.vmId,
      name: scope.name ?? null,
      role,
      is_guest: isGuest,
      signs_in: signsIn,
      link_hash: linkHash,
      link_until: linkUntil,
      until,
      api_token_id: apiTokenId ?? null,
    })
    .execute();
}

/** How many links and accesses are not over, of the VM and of all VMs of its account. */
export async function countAccesses(
  trx: Trx,
  vm: { readonly id: string; readonly userId: string },
): Promise<{ ofVm: number; ofAccount: number }> {
  return trx
    .selectFrom('vm_access')
    .innerJoin('vm', 'vm.id', 'vm_access.vm_id')
    .select((eb) => [
      eb.fn.countAll<number>().as('ofAccount'),
      eb.fn.countAll<number>().filterWhere('vm.id', '=', vm.id).as('ofVm'),
    ])
    .where('vm.user_id', '=', vm.userId)
    .where(sql<SqlBool>`not ${isOver}`)
    .executeTakeFirstOrThrow();
}

interface Redemption {
  readonly linkHash: Buffer;
  readonly scope: AccessScope;
  /** The hash of the cookie that the browser gets. */
  readonly tokenHash: Buffer;
  /** Hashes of those that it has: their accesses are replaced by this one, by which goes on what runs by them. */
  readonly replaced: readonly Buffer[];
  readonly from: string;
}

/** Uses a link, once, with an audit row. Undefined if it is unknown, was used, or its time is over. */
export async function redeemLink(
  db: Db,
  { linkHash, scope, tokenHash, replaced, from }: Redemption,
): Promise<{ readonly isGuest: boolean; readonly until: Date } | undefined> {
  const { rows } = await sql<{ isGuest: boolean; until: Date }>`
    with opened as (
      update vm_access set token_hash = ${tokenHash}, opened_at = now(), address = ${from},
        replaced = ${[...replaced]}::bytea[]
      where link_hash = ${linkHash} and vm_id = ${scope.vmId} and name is not distinct from ${scope.name ?? null}
        and not ${isOver} and token_hash is null
      returning vm_id, name, is_guest, until
    ), removed as (
      delete from vm_access where token_hash = any(${[...replaced]}::bytea[]) and exists (select from opened)
    ), audited as (${recordRedemption(sql`opened`, from)})
    select is_guest as "isGuest", until from opened
  `.execute(db);
  return rows[0];
}

/** Ends that access to the VM or withdraws that link; without an id, all. Returns how many there were. */
export async function deleteAccesses(trx: Trx, vmId: string, id: string | undefined): Promise<number> {
  let query = trx.deleteFrom('vm_access').where('vm_id', '=', vmId);
  if (id !== undefined) query = query.where(sql`id::text`, '=', id.toLowerCase());
  const ended = await query.returning(isOver.as('isOver')).execute();
  await trx
    .updateTable('vm')
    .set((eb) => ({ access_version: eb('access_version', '+', 1) }))
    .where('id', '=', vmId)
    .execute();
  return ended.filter((each) => !each.isOver).length;
}

/**
 * Who may open those VMs now, and the guests' links that were not used yet, newest first. The caller checks the owner.
 */
export async function listAccesses(db: Db, vmIds: readonly string[]): Promise<ListedAccess[]> {
  const rows = await db
    .selectFrom('vm_access')
    .select(['id', 'vm_id as vmId', 'name', 'role', 'is_guest as isGuest', 'created_at as createdAt'])
    .select(['opened_at as openedAt', 'address', 'until'])
    .where('vm_id', '=', sql<string>`any(${[...vmIds]}::uuid[])`)
    .where(sql<SqlBool>`not ${isOver}`)
    .where((eb) => eb.or([eb('is_guest', '=', true), eb('token_hash', 'is not', null)]))
    .orderBy('created_at', 'desc')
    .orderBy('id')
    .execute();
  return rows.map((row) => ({ ...row, role: row.role === 'VIEW' ? 'VIEW' : 'CONTROL' }));
}

export async function deleteEndedAccesses(db: Db): Promise<void> {
  await db.deleteFrom('vm_access').where(isOver).execute();
}
