import { randomUUID } from 'node:crypto';
import type { Trx } from '../db/database.ts';
import type { DataKey, SecretBox } from './secret-box.ts';

/** The account's data key, made at its first secret. The caller holds the account's lock: there is never a second one. */
export async function getDataKey(trx: Trx, box: SecretBox, userId: string): Promise<DataKey> {
  return (await findDataKey(trx, userId)) ?? renewDataKey(trx, box, userId);
}

async function findDataKey(trx: Trx, userId: string): Promise<DataKey | undefined> {
  const row = await trx
    .selectFrom('data_key')
    .select(['id', 'sealed'])
    .where('user_id', '=', userId)
    .where('in_use', '=', true)
    .executeTakeFirst();
  return row === undefined ? undefined : { ...row, userId };
}

/** Gives the account a new data key; the one before it only opens what it sealed. The caller holds the account's lock. */
export async function renewDataKey(trx: Trx, box: SecretBox, userId: string): Promise<DataKey> {
  // Shared, until the commit: a rotation that begins waits, and then finds this key among those it has to seal again.
  const { active_key } = await trx.selectFrom('installation').select('active_key').forShare().executeTakeFirstOrThrow();
  if (active_key === null) throw new Error('The installation has no SECRETS_KEY yet; readInstallation comes first.');
  await trx.updateTable('data_key').set({ in_use: false }).where('user_id', '=', userId).where('in_use', '=', true).execute();
  const key = box.makeDataKey(randomUUID(), userId, active_key);
  const row = { id: key.id, user_id: userId, sealed: key.sealed, sealed_by: active_key, made_under: active_key };
  await trx.insertInto('data_key').values(row).execute();
  return key;
}
