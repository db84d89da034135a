import { followVm } from './follow-vm.ts';
import type { Socket } from './socket.ts';
import { SwiftorError } from '../swiftor-error.ts';
import type { Vm, VmStatus } from '../vm.ts';

/** The statuses that a failed VM does not reach without a new command. */
const UP: readonly VmStatus[] = ['QUEUED', 'PULLING', 'STARTING', 'BOOTING', 'RUNNING', 'DEGRADED'];

/**
 * Resolves to the VM once it has one of the statuses. Rejects with the signal's reason when it aborts, with VM_FAILED
 * if the VM is to come up and has failed for good, and with NOT_FOUND if it does not exist or is deleted.
 */
export async function waitFor(
  socket: Socket,
  vmId: string,
  wanted: readonly VmStatus[],
  signal: AbortSignal,
): Promise<Vm> {
  signal.throwIfAborted();
  const found = new AbortController();
  const isToComeUp = wanted.every((status) => UP.includes(status));
  let result: Vm | SwiftorError | undefined;
  const onVm = (vm: Vm, { status }: { readonly status: VmStatus }): void => {
    if (result !== undefined) return;
    if (wanted.includes(status)) result = { ...vm, status };
    else if (isToComeUp && vm.status === 'FAILED' && vm.lastFailure?.retryAt == null)
      result = new SwiftorError('VM_FAILED', vm.lastFailure?.message ?? 'The VM has failed.', {
        failure: vm.lastFailure,
      });
    if (result !== undefined) found.abort();
  };
  const last = await followVm(socket, { vmId, onVm }, AbortSignal.any([signal, found.signal]));
  if (result instanceof SwiftorError) throw result;
  if (result !== undefined) return result;
  signal.throwIfAborted();
  if (last !== undefined && wanted.includes('DELETED')) return { ...last, status: 'DELETED' };
  throw new SwiftorError('NOT_FOUND', `The VM ${vmId} was deleted.`);
}
