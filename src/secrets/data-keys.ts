import { randomUUID } from 'node:crypto';
import type { Trx } from '../db/database.ts';
import type { DataKey, SecretBox } from './secret-box.ts';

/** The account's data key, created with its first secret. The caller holds the account's lock, so there is only one. */
export async function getDataKey(trx: Trx, secretBox: SecretBox, userId: string): Promise<DataKey> {
  return (await findDataKey(trx, userId)) ?? renewDataKey(trx, secretBox, userId);
}

async function findDataKey(trx: Trx, userId: string): Promise<DataKey | undefined> {
  const row = await trx
    .selectFrom('data_key')
    .select(['id', 'sealed'])
    .where('user_id', '=', userId)
    .where('in_use', '=', true)
    .executeTakeFirst();
  return row === undefined ? undefined : { id: row.id, userId, encrypted: row.sealed };
}

/** Gives the account a new data key. The old one remains to decrypt its values. The caller holds the account's lock. */
export async function renewDataKey(trx: Trx, secretBox: SecretBox, userId: string): Promise<DataKey> {
  // A shared lock until the commit: a rotation that starts meanwhile waits for it, and then re-encrypts this key too.
  const { active_key } = await trx.selectFrom('installation').select('active_key').forShare().executeTakeFirstOrThrow();
  if (active_key === null) throw new Error('The installation has no SECRETS_KEY yet; call readInstallation first.');
  await trx
    .updateTable('data_key')
    .set({ in_use: false })
    .where('user_id', '=', userId)
    .where('in_use', '=', true)
    .execute();
  const key = secretBox.createDataKey(randomUUID(), userId, active_key);
  const row = { id: key.id, user_id: userId, sealed: key.encrypted, sealed_by: active_key, made_under: active_key };
  await trx.insertInto('data_key').values(row).execute();
  return key;
}
