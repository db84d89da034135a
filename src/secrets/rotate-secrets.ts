import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import type { Db, Trx } from '../db/database.ts';
import { checkGatewaysHave } from './gateway-keys.ts';
import { FINGERPRINT_KEY, KEY_CHECK, SIGNING_KEY } from './installation.ts';
import type { KeyRing } from './key-ring.ts';
import { getDataKey, renewDataKey } from './data-keys.ts';
import type { SecretBox } from './secret-box.ts';
import { openSecret, selectSealedSecrets, type SealedSecret } from './secret-store.ts';

export interface RotationReport {
  /** Data keys that were sealed with another SECRETS_KEY. */
  readonly dataKeys: number;
  /** Values that were sealed again. */
  readonly values: number;
}

/** Small: each batch holds a lock that requests wait for. */
const BATCH = 100;

/**
 * Brings everything from SECRETS_KEY_PREVIOUS to SECRETS_KEY while gateways that have both go on serving. `renew` also gives
 * each account whose data key is as old as another SECRETS_KEY a new one, seals its values again, and makes a new key for signing. A batch is one
 * transaction, and what is left is found by looking: it may be killed anywhere and run again, also beside itself. Rejects, with
 * nothing changed, while a gateway serves without SECRETS_KEY.
 */
export async function rotateSecrets(
  { db, ring, box }: { db: Db; ring: KeyRing; box: SecretBox },
  { renew, signal }: { renew: boolean; signal: AbortSignal },
): Promise<RotationReport> {
  await checkGatewaysHave(db, ring.newest);
  await setActiveKey(db, ring);
  let dataKeys = 0;
  for (let sealed = BATCH; sealed === BATCH; dataKeys += sealed) {
    goOn(signal);
    sealed = await resealDataKeys(db, ring, box);
  }
  let values = 0;
  for (const userId of await accountsToReseal(db, ring, renew)) {
    for (let sealed = BATCH; sealed === BATCH; values += sealed) {
      goOn(signal);
      sealed = await resealValues(db, ring, box, userId, renew);
    }
  }
  await finish(db, ring, renew);
  return { dataKeys, values };
}

function goOn(signal: AbortSignal): void {
  if (signal.aborted)
    throw new Error('The rotation was stopped; what is done stays done. Run it again to finish.', { cause: signal.reason });
}

/** From the commit on, every gateway seals new data keys with SECRETS_KEY: none is added to those that are to be sealed again. */
async function setActiveKey(db: Db, ring: KeyRing): Promise<void> {
  await db.transaction().execute(async (trx) => {
    const { active_key } = await trx.selectFrom('installation').select('active_key').forUpdate().executeTakeFirstOrThrow();
    // Another rotation, to another key, may have begun since this one read the installation.
    if (active_key === null || !ring.has(active_key)) throw new Error('The database is on its way to another SECRETS_KEY than this one.');
    await trx.updateTable('installation').set({ active_key: ring.newest }).execute();
  });
}

async function resealDataKeys(db: Db, ring: KeyRing, box: SecretBox): Promise<number> {
  return db.transaction().execute(async (trx) => {
    const rows = await trx
      .selectFrom('data_key')
      .select(['id', 'user_id', 'sealed'])
      .where('sealed_by', '<>', ring.newest)
      .orderBy('id')
      .limit(BATCH)
      .forUpdate()
      .execute();
    const keys = rows.map(({ id, user_id, sealed }) => box.resealDataKey({ id, userId: user_id, sealed }, ring.newest));
    await sql`
      update data_key set sealed = new.sealed, sealed_by = ${ring.newest}
      from unnest(${keys.map(({ id }) => id)}::uuid[], ${keys.map(({ sealed }) => sealed)}::bytea[]) as new (id, sealed)
      where data_key.id = new.id
    `.execute(trx);
    return keys.length;
  });
}

/** Those with values that SECRETS_KEY itself sealed, and with `renew` those with a data key from the time of another one. */
async function accountsToReseal(db: Db, ring: KeyRing, renew: boolean): Promise<string[]> {
  const { rows } = await sql<{ user_id: string }>`
    select vm.user_id from vm_secret s join vm on vm.id = s.vm_id where get_byte(s.sealed, 0) = 1
    union
    select user_id from data_key where ${renew} and made_under <> ${ring.newest}
  `.execute(db);
  return rows.map(({ user_id }) => user_id);
}

/** Seals a batch of the account's values with its present data key; forgets the data keys that nothing is sealed with any more. */
async function resealValues(db: Db, ring: KeyRing, box: SecretBox, userId: string, renew: boolean): Promise<number> {
  return db.transaction().execute(async (trx) => {
    await trx.selectFrom('account').select('user_id').where('user_id', '=', userId).forUpdate().execute();
    const dataKey = renew && (await isOld(trx, ring, userId)) ? await renewDataKey(trx, box, userId) : await getDataKey(trx, box, userId);
    const { rows } = await sql<SealedSecret>`
      ${selectSealedSecrets}
      where vm.user_id = ${userId} and (get_byte(s.sealed, 0) = 1 or s.data_key_id <> ${dataKey.id})
      limit ${BATCH}
    `.execute(trx);
    const sealed = rows.map((row) => box.seal(openSecret(box, row), dataKey, { vmId: row.vm_id, key: row.key }));
    await sql`
      update vm_secret set sealed = new.sealed, data_key_id = ${dataKey.id}
      from unnest(${rows.map(({ vm_id }) => vm_id)}::uuid[], ${rows.map(({ key }) => key)}::text[], ${sealed}::bytea[]) as new (vm_id, key, sealed)
      where vm_secret.vm_id = new.vm_id and vm_secret.key = new.key
    `.execute(trx);
    if (rows.length < BATCH) await trx.deleteFrom('data_key').where('user_id', '=', userId).where('in_use', '=', false).execute();
    return rows.length;
  });
}

async function isOld(trx: Trx, ring: KeyRing, userId: string): Promise<boolean> {
  const row = await trx
    .selectFrom('data_key')
    .select('made_under')
    .where('user_id', '=', userId)
    .where('in_use', '=', true)
    .executeTakeFirst();
  return row !== undefined && row.made_under !== ring.newest;
}

/** From here on SECRETS_KEY alone opens the database, and a gateway without it is refused. */
async function finish(db: Db, ring: KeyRing, renew: boolean): Promise<void> {
  await db.transaction().execute(async (trx) => {
    const { id, fingerprint_key, signing_key } = await trx.selectFrom('installation').selectAll().forUpdate().executeTakeFirstOrThrow();
    const { rows } = await sql<{ left: number }>`
      select (select count(*) from data_key where sealed_by <> ${ring.newest})
        + (select count(*) from vm_secret where get_byte(sealed, 0) = 1) as left
    `.execute(trx);
    if (rows[0]?.left !== 0 || fingerprint_key === null || signing_key === null) {
      throw new Error('A gateway of an earlier version still writes secrets; end it, and run this again. Nothing is lost.');
    }
    // Who had the old keys must not be able to sign any more: gateways take the new one up at their next start.
    const signing = renew ? randomBytes(32) : ring.open(signing_key, SIGNING_KEY).value;
    await trx
      .updateTable('installation')
      .set({
        key_check: ring.seal(ring.newest, Buffer.from(id), KEY_CHECK),
        fingerprint_key: ring.seal(ring.newest, ring.open(fingerprint_key, FINGERPRINT_KEY).value, FINGERPRINT_KEY),
        signing_key: ring.seal(ring.newest, signing, SIGNING_KEY),
      })
      .execute();
  });
}
