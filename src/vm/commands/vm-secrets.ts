import { sql } from 'kysely';
import { recordAction } from '../../audit/audit-store.ts';
import type { Actor } from '../../audit/viewer.ts';
import type { Trx } from '../../db/database.ts';
import { ApiError, badInput } from '../../errors.ts';
import { whyReserved } from './reserved-keys.ts';
import { countSecrets, writeSecret, type VmSecret } from '../../secrets/secret-store.ts';
import { runCommand, done, recorded, refuseWhileDeleting, UNCHANGED, type VmDependencies } from './vm-command.ts';
import { parseSecret, parseSecrets } from './vm-input.ts';
import type { OfVm, Vm } from '../vm.ts';

/** Per VM, and for all VMs of an account. */
const MAX_SECRETS = { vm: 200, account: 2_000 } as const;
/** The kernel limits arguments and environment of a program to 2 MiB; with more it does not start. */
const MAX_ENVIRONMENT_KIB = 512;

/** Sets a variable of the VM's environment. While the VM is on, its container is replaced at once; volumes stay. */
export async function setSecret(
  deps: VmDependencies,
  actor: Actor,
  vmId: string,
  value: unknown,
): Promise<OfVm<VmSecret>> {
  const secret = parseSecret(value);
  let updatedAt = new Date();
  const vm = await runCommand(deps, actor, vmId, 'SECRET_SET', async ({ trx, vm: current }) => {
    refuseWhileDeleting(current);
    refuseReserved(deps, current, secret.key, 'key');
    updatedAt = await writeSecret(trx, deps.secretBox, current.userId, { vmId: current.id, ...secret });
    await refuseTooMany(trx, current);
    return done({ key: secret.key }, { reason: 'UPDATE', desire: current.enabled });
  });
  return { vmId: vm.id, ...secret, updatedAt, vm };
}

/** Sets and removes several variables at once, in one replacement of the container. What is removed need not exist. */
export async function setSecrets(deps: VmDependencies, actor: Actor, vmId: string, value: unknown): Promise<Vm> {
  const { set, remove } = parseSecrets(value);
  return runCommand(deps, actor, vmId, 'SECRET_SET', async ({ trx, vm }) => {
    refuseWhileDeleting(vm);
    for (const [index, { key }] of set.entries()) refuseReserved(deps, vm, key, `set.${index}.key`);
    const removed = await removeSecrets(trx, vm.id, remove);
    for (const secret of set) await writeSecret(trx, deps.secretBox, vm.userId, { vmId: vm.id, ...secret });
    if (set.length + removed.length === 0) return UNCHANGED;
    await refuseTooMany(trx, vm);
    for (const { key } of set) await recordAction(trx, { actor, vm, action: 'SECRET_SET', details: { key } });
    for (const key of removed) await recordAction(trx, { actor, vm, action: 'SECRET_DELETED', details: { key } });
    return recorded({ reason: 'UPDATE', desire: vm.enabled });
  });
}

/** Removes the variable; NOT_FOUND when the VM has none of this name. */
export async function deleteSecret(deps: VmDependencies, actor: Actor, vmId: string, key: string): Promise<Vm> {
  return runCommand(deps, actor, vmId, 'SECRET_DELETED', async ({ trx, vm }) => {
    refuseWhileDeleting(vm);
    if ((await removeSecrets(trx, vm.id, [key])).length === 0) throw new ApiError('NOT_FOUND');
    return done({ key }, { reason: 'UPDATE', desire: vm.enabled });
  });
}

/** Returns the keys that there were. */
async function removeSecrets(trx: Trx, vmId: string, keys: readonly string[]): Promise<string[]> {
  const rows = await trx
    .deleteFrom('vm_secret')
    .where('vm_id', '=', vmId)
    .where('key', '=', sql<string>`any(${[...keys]}::text[])`)
    .returning('key')
    .execute();
  return rows.map(({ key }) => key);
}

/** `path`: of the key in the input. */
function refuseReserved(
  { catalog }: VmDependencies,
  { distribution }: Pick<Vm, 'distribution'>,
  key: string,
  path: string,
): void {
  const reserved = whyReserved(key, catalog.distributions.get(distribution));
  if (reserved !== undefined) throw badInput([{ path, message: reserved }]);
}

async function refuseTooMany(trx: Trx, vm: Pick<Vm, 'id' | 'userId'>): Promise<void> {
  const { ofVm, bytesOfVm, ofAccount } = await countSecrets(trx, vm);
  if (bytesOfVm > MAX_ENVIRONMENT_KIB * 1024) {
    throw new ApiError(
      'CONFLICT',
      `The secrets of a VM have at most ${MAX_ENVIRONMENT_KIB} KiB together; remove one first, or keep data in a file.`,
    );
  }
  if (ofVm > MAX_SECRETS.vm)
    throw new ApiError('CONFLICT', `A VM has at most ${MAX_SECRETS.vm} secrets; remove one first.`);
  if (ofAccount > MAX_SECRETS.account) {
    throw new ApiError(
      'CONFLICT',
      `All VMs of an account have at most ${MAX_SECRETS.account} secrets; remove one first.`,
    );
  }
}
