import type { Actor } from '../../audit/viewer.ts';
import type { Trx } from '../../db/database.ts';
import { ApiError } from '../../errors.ts';
import type { Mapping } from '../networking/mapping.ts';
import { runCommand, done, refuseWhileDeleting, UNCHANGED, type VmDependencies } from './vm-command.ts';
import { parseSubdomain } from './vm-input.ts';
import type { OfVm, Vm } from '../vm.ts';

/** Per VM, and for all VMs of an account. */
const MAX_MAPPINGS = { vm: 50, account: 500 } as const;

/**
 * Gives a port of the VM an address with this name. If the name leads to this port already, only the visibility is set;
 * CONFLICT if it leads to another port.
 */
export async function addSubdomain(
  deps: VmDependencies,
  actor: Actor,
  vmId: string,
  value: unknown,
): Promise<OfVm<Mapping>> {
  const { name, internalPort, visibility } = parseSubdomain(value);
  const changed = await runCommand(
    deps,
    actor,
    vmId,
    'SUBDOMAIN_ADDED',
    async ({ trx, vm }) => {
      refuseWhileDeleting(vm);
      const known = vm.mappings.find((mapping) => mapping.name === name);
      if (known !== undefined && known.internalPort !== internalPort) {
        throw new ApiError(
          'CONFLICT',
          `This name leads to port ${known.internalPort}; remove it first, or choose another.`,
        );
      }
      if (known?.visibility === visibility) return UNCHANGED;
      if (known === undefined) await assertMappingLimits(trx, vm);
      await trx
        .insertInto('vm_mapping')
        .values({ vm_id: vm.id, name, internal_port: internalPort, visibility })
        .onConflict((conflict) => conflict.columns(['vm_id', 'name']).doUpdateSet({ visibility }))
        .execute();
      return done({ name, internalPort, visibility }, { reason: 'UPDATE' });
    },
    ['mappings'],
  );
  return { vmId: changed.id, name, internalPort, visibility, vm: changed };
}

async function assertMappingLimits(trx: Trx, { userId, mappings }: Pick<Vm, 'userId' | 'mappings'>): Promise<void> {
  if (mappings.length >= MAX_MAPPINGS.vm)
    throw new ApiError('CONFLICT', `A VM has at most ${MAX_MAPPINGS.vm} mappings; remove one first.`);
  const { count } = await trx
    .selectFrom('vm_mapping')
    .innerJoin('vm', 'vm.id', 'vm_mapping.vm_id')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('vm.user_id', '=', userId)
    .executeTakeFirstOrThrow();
  if (count >= MAX_MAPPINGS.account) {
    throw new ApiError(
      'CONFLICT',
      `All VMs of an account have at most ${MAX_MAPPINGS.account} mappings; remove one first.`,
    );
  }
}

/** Removes the mapping; NOT_FOUND when the VM has none of this name. */
export async function removeSubdomain(deps: VmDependencies, actor: Actor, vmId: string, name: string): Promise<Vm> {
  return runCommand(deps, actor, vmId, 'SUBDOMAIN_REMOVED', async ({ trx, vm }) => {
    refuseWhileDeleting(vm);
    const { numDeletedRows } = await trx
      .deleteFrom('vm_mapping')
      .where('vm_id', '=', vm.id)
      .where('name', '=', name)
      .executeTakeFirstOrThrow();
    if (numDeletedRows === 0n) throw new ApiError('NOT_FOUND');
    return done({ name }, { reason: 'UPDATE' });
  });
}
