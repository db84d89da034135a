import { sql } from 'kysely';
import { isTokenScope } from '../../audit/viewer.ts';
import type { Db, Trx } from '../../db/database.ts';
import type { ApiToken } from './api-token.ts';

const KEEP_EXPIRED_DAYS = 30;

/** A token that is used. */
export interface StoredToken {
  readonly id: string;
  readonly userId: string;
  readonly scope: string;
  readonly serviceAccount: string | null;
  readonly expiresAt: Date;
}

/** Finds the tokens that were stored with these hashes, by them in base64, without those that have expired. */
export async function findApiTokens(db: Db, hashes: readonly Buffer[]): Promise<ReadonlyMap<string, StoredToken>> {
  const rows = await db
    .selectFrom('api_token')
    .select(['id', 'user_id as userId', 'scope', 'service_account as serviceAccount', 'expires_at as expiresAt'])
    .select('hash')
    .where('hash', '=', sql<Buffer>`any(${[...hashes]}::bytea[])`)
    .where('expires_at', '>', sql<Date>`now()`)
    .execute();
  return new Map(rows.map(({ hash, ...token }) => [hash.toString('base64'), token]));
}

/** Those of these ids that no longer have a row. */
export async function findRevoked(db: Db, ids: readonly string[]): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select id from unnest(${[...ids]}::uuid[]) as known (id)
    where not exists (select from api_token where api_token.id = known.id)
  `.execute(db);
  return rows.map(({ id }) => id);
}

/** Notes that the tokens were used now. */
export async function noteUses(db: Db, ids: readonly string[]): Promise<void> {
  await db
    .updateTable('api_token')
    .set({ last_used_at: sql<Date>`now()` })
    .where('id', '=', sql<string>`any(${[...ids]}::uuid[])`)
    .execute();
}

/** The account's tokens, newest first; expired ones for another 30 days. */
export async function listApiTokens(db: Db | Trx, userId: string): Promise<ApiToken[]> {
  const rows = await db
    .selectFrom('api_token')
    .select(['id', 'name', 'scope', 'service_account as serviceAccount', 'created_at as createdAt'])
    .select(['expires_at as expiresAt', 'last_used_at as lastUsedAt'])
    .where('user_id', '=', userId)
    .orderBy('created_at', 'desc')
    .orderBy('id')
    .execute();
  return rows.flatMap(({ scope, ...row }) => (isTokenScope(scope) ? [{ ...row, scope }] : []));
}

/** Deletes tokens that expired long ago, and returns how many others the account has. */
export async function countApiTokens(trx: Trx, userId: string): Promise<number> {
  await trx
    .deleteFrom('api_token')
    .where('user_id', '=', userId)
    .where('expires_at', '<', sql<Date>`now() - make_interval(days => ${KEEP_EXPIRED_DAYS})`)
    .execute();
  const { count } = await trx
    .selectFrom('api_token')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('user_id', '=', userId)
    .where('expires_at', '>', sql<Date>`now()`)
    .executeTakeFirstOrThrow();
  return count;
}

/** Ends the accesses to VMs whose links were made with the token. Returns the VMs. */
export async function endAccessesOf(trx: Trx, tokenId: string): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    with ended as (delete from vm_access where api_token_id = ${tokenId} returning vm_id)
    update vm set access_version = access_version + 1 where id in (select vm_id from ended) returning id
  `.execute(trx);
  return rows.map(({ id }) => id);
}
