import { followEvents, type VmEvent } from './follow-events.ts';
import type { Socket } from './socket.ts';
import { SwiftorError } from '../swiftor-error.ts';
import type { Vm } from '../vm.ts';

interface VmFollower {
  readonly vmId: string;
  /** Called for each event of the VM that is not deleted yet. */
  readonly onVm: (vm: Vm, event: VmEvent) => void;
}

/**
 * Follows one VM until the signal aborts. Resolves to the VM as it was last when it is deleted. Rejects with NOT_FOUND
 * if there is none.
 */
export async function followVm(
  socket: Socket,
  { vmId, onVm }: VmFollower,
  signal: AbortSignal,
): Promise<Vm | undefined> {
  let last: Vm | undefined;
  let seq: string | undefined;
  const onEvent = (event: VmEvent): boolean => {
    seq = event.seq;
    if (event.vm === null) return true;
    last = event.vm;
    onVm(event.vm, event);
    return true;
  };
  try {
    await followEvents(socket, { vmId, begin: () => seq, onEvent }, signal);
  } catch (error) {
    // It was there: it was deleted so long ago that its last event is no longer stored.
    if (!(error instanceof SwiftorError && error.code === 'NOT_FOUND' && last !== undefined)) throw error;
  }
  return last;
}
