import { sql } from 'kysely';
import type { Actor } from '../auth/viewer.ts';
import type { Db, Trx } from '../db/database.ts';
import { ApiError } from '../errors.ts';
import { readsOfSecrets } from './audit-store.ts';
import type { SecretBox } from './secret-box.ts';
import { changeVm } from './vm-change.ts';
import { command, done, refuseWhileDeleting, type VmDependencies } from './vm-command.ts';
import { parseSecret } from './vm-input.ts';
import type { Vm } from './vm.ts';

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

/** The secret that the password given at creation becomes. */
export const PASSWORD_KEY = 'VM_PASSWORD';

const MAX_SECRETS = 200;

interface SealedRow {
  vm_id: string;
  key: string;
  sealed: Buffer;
  updated_at: Date;
}

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
  const rows = await db.selectFrom('vm_secret').selectAll().where('vm_id', '=', vmId).orderBy('key').execute();
  return open(box, rows);
}

/** The secrets of those VMs for their owner. The audit tells of it in the same statement: no value leaves without its row. */
export async function revealSecrets(db: Db, box: SecretBox, actor: Actor, vmIds: readonly string[]): Promise<VmSecret[]> {
  const { rows } = await sql<SealedRow>`
    with told as (${readsOfSecrets(actor, vmIds)})
    select vm_id, key, sealed, updated_at from vm_secret where vm_id = any(${[...vmIds]}::uuid[]) order by vm_id, key
  `.execute(db);
  return open(box, rows);
}

function open(box: SecretBox, rows: readonly SealedRow[]): VmSecret[] {
  return rows.map(({ vm_id, key, sealed, updated_at }) => ({
    vmId: vm_id,
    key,
    value: box.open(sealed, [vm_id, key]),
    updatedAt: updated_at,
  }));
}

export async function writeSecret(trx: Trx, box: SecretBox, secret: { vmId: string; key: string; value: string }): Promise<Date> {
  const { vmId, key, value } = secret;
  const row = { vm_id: vmId, key, sealed: box.seal(value, [vmId, key]) };
  const { updated_at } = await trx
    .insertInto('vm_secret')
    .values(row)
    .onConflict((conflict) => conflict.columns(['vm_id', 'key']).doUpdateSet({ sealed: row.sealed, updated_at: sql<Date>`now()` }))
    .returning('updated_at')
    .executeTakeFirstOrThrow();
  return updated_at;
}

/** Adds or replaces a variable of the VM's environment. While the VM is on, its container is replaced at once, volumes kept. */
export async function setSecret(deps: VmDependencies, actor: Actor, vmId: string, value: unknown): Promise<VmSecret> {
  const secret = parseSecret(value);
  let updatedAt = new Date();
  const vm = await command(deps, actor, vmId, 'SECRET_SET', async ({ trx, vm: current }) => {
    refuseWhileDeleting(current);
    updatedAt = await writeSecret(trx, deps.box, { vmId: current.id, ...secret });
    const { count } = await trx
      .selectFrom('vm_secret')
      .select((eb) => eb.fn.countAll<number>().as('count'))
      .where('vm_id', '=', current.id)
      .executeTakeFirstOrThrow();
    if (count > MAX_SECRETS) throw new ApiError('CONFLICT', `A VM has at most ${MAX_SECRETS} secrets; remove one first.`);
    await changeVm(trx, current, { reason: 'UPDATE', desire: current.enabled });
    return done({ key: secret.key });
  });
  return { vmId: vm.id, ...secret, updatedAt };
}

/** Removes the variable; NOT_FOUND when the VM has none of that name. */
export async function deleteSecret(deps: VmDependencies, actor: Actor, vmId: string, key: string): Promise<Vm> {
  return command(deps, actor, vmId, 'SECRET_DELETED', async ({ trx, vm }) => {
    refuseWhileDeleting(vm);
    const { numDeletedRows } = await trx
      .deleteFrom('vm_secret')
      .where('vm_id', '=', vm.id)
      .where('key', '=', key)
      .executeTakeFirstOrThrow();
    if (numDeletedRows === 0n) throw new ApiError('NOT_FOUND');
    await changeVm(trx, vm, { reason: 'UPDATE', desire: vm.enabled });
    return done({ key });
  });
}
