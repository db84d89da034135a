import { sql, type RawBuilder } from 'kysely';
import type { Actor } from '../audit/viewer.ts';
import type { Db, Trx } from '../db/database.ts';
import { readsOfSecrets } from '../audit/audit-store.ts';
import { getDataKey } from './data-keys.ts';
import type { SecretBox } from './secret-box.ts';

/** A secret by its name; its value stays sealed. */
export interface VmSecretName {
  readonly vmId: string;
  readonly key: string;
  readonly updatedAt: Date;
}

/** A secret with its value in clear: only for its owner's answer and for the container's environment. */
export interface VmSecret extends VmSecretName {
  readonly value: string;
}

/** A secret's row with all that opens it. */
export interface SealedSecret {
  readonly vm_id: string;
  readonly key: string;
  readonly sealed: Buffer;
  readonly updated_at: Date;
  readonly user_id: string;
  readonly data_key_id: string | null;
  readonly sealed_data_key: Buffer | null;
}

/** Row and data key in one statement: whatever a rotation does meanwhile, the two fit. */
export const selectSealedSecrets: RawBuilder<SealedSecret> = sql<SealedSecret>`
  select s.vm_id, s.key, s.sealed, s.updated_at, vm.user_id, s.data_key_id, k.sealed as sealed_data_key
  from vm_secret s join vm on vm.id = s.vm_id left join data_key k on k.id = s.data_key_id
`;

/** The names of the secrets of those VMs, by VM and key; the caller has made sure whose VMs they are. */
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

/** The secrets of a VM for its container: a read that nobody asked for, and that the audit does not tell of. */
export async function readSecrets(db: Db | Trx, box: SecretBox, vmId: string): Promise<VmSecret[]> {
  const { rows } = await sql<SealedSecret>`${selectSealedSecrets} where s.vm_id = ${vmId} order by s.key`.execute(db);
  return rows.map((row) => toSecret(box, row));
}

/** The secrets of those VMs for their owner. The audit tells of it in the same statement: no value leaves without its row. */
export async function revealSecrets(db: Db, box: SecretBox, actor: Actor, vmIds: readonly string[]): Promise<VmSecret[]> {
  const { rows } = await sql<SealedSecret>`
    with told as (${readsOfSecrets(actor, vmIds)})
    ${selectSealedSecrets} where s.vm_id = any(${[...vmIds]}::uuid[]) order by s.vm_id, s.key
  `.execute(db);
  return rows.map((row) => toSecret(box, row));
}

function toSecret(box: SecretBox, row: SealedSecret): VmSecret {
  return { vmId: row.vm_id, key: row.key, value: openSecret(box, row), updatedAt: row.updated_at };
}

export function openSecret(box: SecretBox, { vm_id, key, sealed, user_id, data_key_id, sealed_data_key }: SealedSecret): string {
  const dataKey =
    data_key_id === null || sealed_data_key === null ? undefined : { id: data_key_id, userId: user_id, sealed: sealed_data_key };
  return box.open(sealed, dataKey, { vmId: vm_id, key });
}

/** Adds or replaces the secret; when. The caller holds the lock of the account, whose VM it is. */
export async function writeSecret(
  trx: Trx,
  box: SecretBox,
  userId: string,
  { vmId, key, value }: { vmId: string; key: string; value: string },
): Promise<Date> {
  const dataKey = await getDataKey(trx, box, userId);
  const change = { sealed: box.seal(value, dataKey, { vmId, key }), data_key_id: dataKey.id };
  const { updated_at } = await trx
    .insertInto('vm_secret')
    .values({ vm_id: vmId, key, ...change })
    .onConflict((conflict) => conflict.columns(['vm_id', 'key']).doUpdateSet({ ...change, updated_at: sql<Date>`now()` }))
    .returning('updated_at')
    .executeTakeFirstOrThrow();
  return updated_at;
}

/** How many secrets the VM has and how large they are with their names, and how many all VMs of its account have. */
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
      // What sealing adds is about what the kernel adds: a pointer, the "=" and the end.
      sql<number>`coalesce(sum(octet_length(key) + octet_length(sealed)) filter (where vm.id = ${vm.id}), 0)`.as('bytesOfVm'),
    ])
    .where('vm.user_id', '=', vm.userId)
    .executeTakeFirstOrThrow();
}
