import type { Actor } from '../../audit/viewer.ts';
import type { Trx } from '../../db/database.ts';
import { ApiError, badInput } from '../../errors.ts';
import { allocatePort } from '../networking/allocate-port.ts';
import { forwardProblem, type PortForward } from '../networking/port-forward.ts';
import { runCommand, done, refuseWhileDeleting, UNCHANGED, type VmDependencies } from './vm-command.ts';
import { parsePort } from './vm-input.ts';
import type { OfVm, Vm } from '../vm.ts';

const MAX_PORTS = 16;
/** All accounts share the public ports, and a VM that is off keeps its own. */
const MAX_PORTS_OF_ACCOUNT = 64;

/**
 * Forwards a public port to a port of the VM. A port that is forwarded already keeps its public port. While the VM is
 * on, its container is replaced at once. BAD_USER_INPUT for a port that the catalog does not allow; CONFLICT past a
 * limit or when no public port is free.
 */
export async function addPort(
  deps: VmDependencies,
  actor: Actor,
  vmId: string,
  value: unknown,
): Promise<OfVm<PortForward>> {
  const { protocol, internalPort } = parsePort(value);
  const isSame = (each: Pick<PortForward, 'protocol' | 'internalPort'>) =>
    each.protocol === protocol && each.internalPort === internalPort;
  const changed = await runCommand(
    deps,
    actor,
    vmId,
    'PORT_ADDED',
    async ({ trx, vm }) => {
      refuseWhileDeleting(vm);
      if (vm.ports.some(isSame)) return UNCHANGED;
      const distribution = deps.catalog.distributions.get(vm.distribution);
      const problem =
        distribution === undefined ? 'cannot be forwarded.' : forwardProblem(distribution, protocol, internalPort);
      if (problem !== undefined) throw badInput([{ path: 'internalPort', message: `this port ${problem}` }]);
      if (vm.ports.length >= MAX_PORTS)
        throw new ApiError('CONFLICT', `A VM has at most ${MAX_PORTS} forwarded ports; remove one first.`);
      if ((await countPorts(trx, vm.userId)) >= MAX_PORTS_OF_ACCOUNT) {
        throw new ApiError(
          'CONFLICT',
          `An account has at most ${MAX_PORTS_OF_ACCOUNT} forwarded ports; remove one of any VM first.`,
        );
      }
      const publicPort = await allocatePort(trx, deps.forward, { vmId: vm.id, protocol, internalPort });
      return done({ protocol, internalPort, publicPort }, { reason: 'UPDATE', desire: vm.enabled });
    },
    ['ports'],
  );
  const forward = changed.ports.find(isSame);
  if (forward === undefined) throw new Error(`The VM ${vmId} lost the port that it was just given.`);
  return { ...forward, vm: changed };
}

/** Removes the forward and frees its public port; NOT_FOUND when there is none. On a VM that is on, it ends at once. */
export async function removePort(deps: VmDependencies, actor: Actor, vmId: string, value: unknown): Promise<Vm> {
  const { protocol, internalPort } = parsePort(value);
  return runCommand(deps, actor, vmId, 'PORT_REMOVED', async ({ trx, vm }) => {
    refuseWhileDeleting(vm);
    const { numDeletedRows } = await trx
      .deleteFrom('vm_port')
      .where('vm_id', '=', vm.id)
      .where('protocol', '=', protocol)
      .where('internal_port', '=', internalPort)
      .executeTakeFirstOrThrow();
    if (numDeletedRows === 0n) throw new ApiError('NOT_FOUND');
    return done({ protocol, internalPort }, { reason: 'UPDATE', desire: vm.enabled });
  });
}

async function countPorts(trx: Trx, userId: string): Promise<number> {
  const { count } = await trx
    .selectFrom('vm_port')
    .innerJoin('vm', 'vm.id', 'vm_port.vm_id')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('vm.user_id', '=', userId)
    .executeTakeFirstOrThrow();
  return count;
}
