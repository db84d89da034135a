import type { Actor } from '../../audit/viewer.ts';
import { ApiError, badInput } from '../../errors.ts';
import { whyReserved } from './reserved-keys.ts';
import { countSecrets, writeSecret, type VmSecret } from '../../secrets/secret-store.ts';
import { changeVm } from '../vm-change.ts';
import { runCommand, done, refuseWhileDeleting, type VmDependencies } from './vm-command.ts';
import { parseSecret } from './vm-input.ts';
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
    const reserved = whyReserved(secret.key, deps.catalog.distributions.get(current.distribution));
    if (reserved !== undefined) throw badInput([{ path: 'key', message: reserved }]);
    updatedAt = await writeSecret(trx, deps.secretBox, current.userId, { vmId: current.id, ...secret });
    const { ofVm, bytesOfVm, ofAccount } = await countSecrets(trx, current);
    if (bytesOfVm > MAX_ENVIRONMENT_KIB * 1024) {
      throw new ApiError(
        'CONFLICT',
        `The secrets of a VM have at most ${MAX_ENVIRONMENT_KIB} KiB together; remove one first, or keep data ` +
          'in a file.',
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
    await changeVm(trx, current, { reason: 'UPDATE', desire: current.enabled });
    return done({ key: secret.key });
  });
  return { vmId: vm.id, ...secret, updatedAt, vm };
}

/** Removes the variable; NOT_FOUND when the VM has none of this name. */
export async function deleteSecret(deps: VmDependencies, actor: Actor, vmId: string, key: string): Promise<Vm> {
  return runCommand(deps, actor, vmId, 'SECRET_DELETED', async ({ trx, vm }) => {
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
