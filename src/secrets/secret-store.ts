import { sql, type RawBuilder } from 'kysely';
import type { Actor } from '../audit/viewer.ts';
import type { Db, Trx } from '../db/database.ts';
import { recordSecretReads } from '../audit/audit-store.ts';
import { getDataKey } from './data-keys.ts';
import type { SecretBox } from './secret-box.ts';

/** The secret that holds the password given at the VM's creation. */
export const PASSWORD_KEY = 'VM_PASSWORD';

/** A secret without its value. */
export interface VmSecretName {
  readonly vmId: string;
  readonly key: string;
  readonly updatedAt: Date;
}

/** A secret with its plain value, for responses to its owner and for the container's environment only. */
export interface VmSecret extends VmSecretName {
  readonly value: string;
}

/** A secret's row, with the data key that decrypts it. */
export interface EncryptedSecret {
  readonly vm_id: string;
  readonly key: string;
  readonly sealed: Buffer;
  readonly updated_at: Date;
  readonly user_id: string;
  readonly data_key_id: string | null;
  readonly encrypted_data_key: Buffer | null;
}

/** Reads row and data key in one statement, so a concurrent rotation cannot separate them. */
export const selectEncryptedSecrets: RawBuilder<EncryptedSecret> = sql<EncryptedSecret>`
  select s.vm_id, s.key, s.sealed, s.updated_at, vm.user_id, s.data_key_id, k.sealed as encrypted_data_key
  from vm_secret s join vm on vm.id = s.vm_id left join data_key k on k.id = s.data_key_id
`;

/** The secrets of those VMs without values, ordered by VM and key. The caller checks who owns the VMs. */
export async function listSecrets(db: Db, vmIds: readonly string[]): Promise<VmSecretName[]> {
  const rows = await db
    .selectFrom('vm_secret')
    .select(['vm_id', 'key', 'updated_at'])
    .where('vm_id', '=', sql<string>`any(${[...vmIds]}::uuid[])`)
    .orderBy('vm_id')
    .orderBy('key')
    .execute();
  return rows.map(({ vm_id, key, updated_at }) => ({ vmId: vm_id, key, updatedAt: updated_at }));
}

/** The secrets of those VMs for their containers. No user reads them, so the audit does not record it. */
export async function readEncryptedSecrets(
  db: Db,
  vmIds: readonly string[],
): Promise<ReadonlyMap<string, readonly EncryptedSecret[]>> {
  const { rows } = await sql<EncryptedSecret>`
    ${selectEncryptedSecrets} where s.vm_id = any(${[...vmIds]}::uuid[]) order by s.vm_id, s.key
  `.execute(db);
  return Map.groupBy(rows, ({ vm_id }) => vm_id);
}

/** The secrets of those VMs for their owner. The same statement records the read in the audit. */
export async function revealSecrets(
  db: Db,
  secretBox: SecretBox,
  actor: Actor,
  vmIds: readonly string[],
): Promise<VmSecret[]> {
  const { rows } = await sql<EncryptedSecret>`
    with audited as (${recordSecretReads(actor, vmIds)})
    ${selectEncryptedSecrets} where s.vm_id = any(${[...vmIds]}::uuid[]) order by s.vm_id, s.key
  `.execute(db);
  return rows.map((row) => toSecret(secretBox, row));
}

export function toSecret(secretBox: SecretBox, row: EncryptedSecret): VmSecret {
  return { vmId: row.vm_id, key: row.key, value: decryptSecret(secretBox, row), updatedAt: row.updated_at };
}

export function decryptSecret(
  secretBox: SecretBox,
  { vm_id, key, sealed, user_id, data_key_id, encrypted_data_key }: EncryptedSecret,
): string {
  const dataKey =
    data_key_id === null || encrypted_data_key === null
      ? undefined
      : { id: data_key_id, userId: user_id, encrypted: encrypted_data_key };
  return secretBox.decrypt(sealed, dataKey, { vmId: vm_id, key });
}

/** Adds or replaces the secret and returns the time of the change. The caller holds the account's lock. */
export async function writeSecret(
  trx: Trx,
  secretBox: SecretBox,
  userId: string,
  { vmId, key, value }: { vmId: string; key: string; value: string },
): Promise<Date> {
  const dataKey = await getDataKey(trx, secretBox, userId);
  const change = { sealed: secretBox.encrypt(value, dataKey, { vmId, key }), data_key_id: dataKey.id };
  const { updated_at } = await trx
    .insertInto('vm_secret')
    .values({ vm_id: vmId, key, ...change })
    .onConflict((conflict) =>
      conflict.columns(['vm_id', 'key']).doUpdateSet({ ...change, updated_at: sql<Date>`now()` }),
    )
    .returning('updated_at')
    .executeTakeFirstOrThrow();
  return updated_at;
}

/** The number of secrets of the VM and of its account, and the bytes of the VM's names and values together. */
export async function countSecrets(
  trx: Trx,
  vm: { readonly id: string; readonly userId: string },
): Promise<{ ofVm: number; bytesOfVm: number; ofAccount: number }> {
  return trx
    .selectFrom('vm_secret')
    .innerJoin('vm', 'vm.id', 'vm_secret.vm_id')
    .select((eb) => [
      eb.fn.countAll<number>().as('ofAccount'),
      eb.fn.countAll<number>().filterWhere('vm.id', '=', vm.id).as('ofVm'),
      // Encryption adds about as much as the kernel does for each variable: a pointer, the "=" and the end.
      sql<number>`coalesce(sum(octet_length(key) + octet_length(sealed)) filter (where vm.id = ${vm.id}), 0)`.as(
        'bytesOfVm',
      ),
    ])
    .where('vm.user_id', '=', vm.userId)
    .executeTakeFirstOrThrow();
}
