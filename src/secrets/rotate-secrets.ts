import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import type { Db, Trx } from '../db/database.ts';
import { checkGatewaysHave } from './gateway-keys.ts';
import { FINGERPRINT_KEY, KEY_CHECK, SIGNING_KEY } from './installation.ts';
import type { KeyRing } from './key-ring.ts';
import { getDataKey, renewDataKey } from './data-keys.ts';
import type { SecretBox } from './secret-box.ts';
import { decryptSecret, selectEncryptedSecrets, type EncryptedSecret } from './secret-store.ts';

export interface RotationReport {
  /** The number of re-encrypted data keys. */
  readonly dataKeys: number;
  /** The number of re-encrypted values. */
  readonly values: number;
}

/** Small, because requests wait for the locks of a batch. */
const BATCH = 100;

/**
 * Re-encrypts everything from SECRETS_KEY_PREVIOUS to SECRETS_KEY while gateways that have both keys keep serving.
 * `renew` also replaces the signing key, and the data keys and encrypted values from the time of another SECRETS_KEY.
 * Each batch is a transaction that queries what is left, so a rotation may be killed, repeated, and run concurrently.
 * Rejects, with nothing changed, if a running gateway lacks SECRETS_KEY.
 */
export async function rotateSecrets(
  { db, keyRing, secretBox }: { db: Db; keyRing: KeyRing; secretBox: SecretBox },
  { renew, signal }: { renew: boolean; signal: AbortSignal },
): Promise<RotationReport> {
  await checkGatewaysHave(db, keyRing.newest);
  await setActiveKey(db, keyRing);
  let dataKeys = 0;
  for (let done = BATCH; done === BATCH; dataKeys += done) {
    throwIfStopped(signal);
    done = await reencryptDataKeys(db, keyRing, secretBox);
  }
  let values = 0;
  for (const userId of await accountsToReencrypt(db, keyRing, renew)) {
    for (let done = BATCH; done === BATCH; values += done) {
      throwIfStopped(signal);
      done = await reencryptValues(db, keyRing, secretBox, userId, renew);
    }
  }
  await finish(db, keyRing, renew);
  return { dataKeys, values };
}

function throwIfStopped(signal: AbortSignal): void {
  if (signal.aborted)
    throw new Error('The rotation was stopped halfway, which is safe. Run it again to complete it.', {
      cause: signal.reason,
    });
}

/** After the commit every gateway encrypts new data keys with SECRETS_KEY, so the number of old ones only falls. */
async function setActiveKey(db: Db, keyRing: KeyRing): Promise<void> {
  await db.transaction().execute(async (trx) => {
    const { active_key } = await trx
      .selectFrom('installation')
      .select('active_key')
      .forUpdate()
      .executeTakeFirstOrThrow();
    // Another rotation, to another key, may have started since this one read the installation.
    if (active_key === null || !keyRing.has(active_key))
      throw new Error('The database is being rotated to another SECRETS_KEY than this one.');
    await trx.updateTable('installation').set({ active_key: keyRing.newest }).execute();
  });
}

async function reencryptDataKeys(db: Db, keyRing: KeyRing, secretBox: SecretBox): Promise<number> {
  return db.transaction().execute(async (trx) => {
    const rows = await trx
      .selectFrom('data_key')
      .select(['id', 'user_id', 'sealed'])
      .where('sealed_by', '<>', keyRing.newest)
      .orderBy('id')
      .limit(BATCH)
      .forUpdate()
      .execute();
    const keys = rows.map(({ id, user_id, sealed }) =>
      secretBox.reencryptDataKey({ id, userId: user_id, encrypted: sealed }, keyRing.newest),
    );
    await sql`
      update data_key set sealed = new.sealed, sealed_by = ${keyRing.newest}
      from unnest(${keys.map(({ id }) => id)}::uuid[], ${keys.map(({ encrypted }) => encrypted)}::bytea[]) as new (id, sealed)
      where data_key.id = new.id
    `.execute(trx);
    return keys.length;
  });
}

/** Accounts with values that SECRETS_KEY encrypts directly and, with `renew`, those whose data key is older than it. */
async function accountsToReencrypt(db: Db, keyRing: KeyRing, renew: boolean): Promise<string[]> {
  const { rows } = await sql<{ user_id: string }>`
    select vm.user_id from vm_secret s join vm on vm.id = s.vm_id where get_byte(s.sealed, 0) = 1
    union
    select user_id from data_key where ${renew} and made_under <> ${keyRing.newest}
  `.execute(db);
  return rows.map(({ user_id }) => user_id);
}

/** Re-encrypts a batch of the account's values with its current data key. The last batch deletes unused data keys. */
async function reencryptValues(
  db: Db,
  keyRing: KeyRing,
  secretBox: SecretBox,
  userId: string,
  renew: boolean,
): Promise<number> {
  return db.transaction().execute(async (trx) => {
    await trx.selectFrom('account').select('user_id').where('user_id', '=', userId).forUpdate().execute();
    const dataKey =
      renew && (await isDataKeyOld(trx, keyRing, userId))
        ? await renewDataKey(trx, secretBox, userId)
        : await getDataKey(trx, secretBox, userId);
    const { rows } = await sql<EncryptedSecret>`
      ${selectEncryptedSecrets}
      where vm.user_id = ${userId} and (get_byte(s.sealed, 0) = 1 or s.data_key_id <> ${dataKey.id})
      limit ${BATCH}
    `.execute(trx);
    const encrypted = rows.map((row) =>
      secretBox.encrypt(decryptSecret(secretBox, row), dataKey, { vmId: row.vm_id, key: row.key }),
    );
    await sql`
      update vm_secret set sealed = new.sealed, data_key_id = ${dataKey.id}
      from unnest(${rows.map(({ vm_id }) => vm_id)}::uuid[], ${rows.map(({ key }) => key)}::text[], ${encrypted}::bytea[]) as new (vm_id, key, sealed)
      where vm_secret.vm_id = new.vm_id and vm_secret.key = new.key
    `.execute(trx);
    if (rows.length < BATCH)
      await trx.deleteFrom('data_key').where('user_id', '=', userId).where('in_use', '=', false).execute();
    return rows.length;
  });
}

async function isDataKeyOld(trx: Trx, keyRing: KeyRing, userId: string): Promise<boolean> {
  const row = await trx
    .selectFrom('data_key')
    .select('made_under')
    .where('user_id', '=', userId)
    .where('in_use', '=', true)
    .executeTakeFirst();
  return row !== undefined && row.made_under !== keyRing.newest;
}

/** After the commit SECRETS_KEY alone decrypts the database, and gateways without it do not start. */
async function finish(db: Db, keyRing: KeyRing, renew: boolean): Promise<void> {
  await db.transaction().execute(async (trx) => {
    const { id, fingerprint_key, signing_key } = await trx
      .selectFrom('installation')
      .select(['id', 'fingerprint_key', 'signing_key'])
      .forUpdate()
      .executeTakeFirstOrThrow();
    const { rows } = await sql<{ left: number }>`
      select (select count(*) from data_key where sealed_by <> ${keyRing.newest})
        + (select count(*) from vm_secret where get_byte(sealed, 0) = 1) as left
    `.execute(trx);
    if (rows[0]?.left !== 0 || fingerprint_key === null || signing_key === null) {
      throw new Error(
        'A gateway of an earlier version still writes secrets; stop it, and run this again. Nothing is lost.',
      );
    }
    // The old signing key may have leaked with the old keys. Gateways use the new one from their next start.
    const signing = renew ? randomBytes(32) : keyRing.decrypt(signing_key, SIGNING_KEY).value;
    await trx
      .updateTable('installation')
      .set({
        key_check: keyRing.encrypt(keyRing.newest, Buffer.from(id), KEY_CHECK),
        fingerprint_key: keyRing.encrypt(
          keyRing.newest,
          keyRing.decrypt(fingerprint_key, FINGERPRINT_KEY).value,
          FINGERPRINT_KEY,
        ),
        signing_key: keyRing.encrypt(keyRing.newest, signing, SIGNING_KEY),
      })
      .execute();
  });
}
