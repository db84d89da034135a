import { VmEvents } from '../documents.ts';
import type { ResultOf } from '../graphql.ts';
import { backoff, pause } from './pause.ts';
import { textOf } from '../request.ts';
import type { Socket } from './socket.ts';
import { toSwiftorError, type GraphqlError, type SwiftorError } from '../swiftor-error.ts';
import type { Vm } from '../vm.ts';

type Result = ResultOf<typeof VmEvents>;
/** An event as the gateway sends it. */
export type VmEvent = Omit<Result['vmEvents'], 'vm'> & { readonly vm: Vm | null };

export interface Follower {
  /** Only this VM's events. */
  readonly vmId?: string;
  /** A stream begins, the first or one after a cut: the `seq` to go on after; undefined for snapshots. */
  readonly begin: () => string | undefined;
  /** Takes the next event. False ends the stream, and another one begins. */
  readonly onEvent: (event: VmEvent) => boolean;
}

/** Another try does not mend these. */
const FINAL: readonly string[] = ['BAD_USER_INPUT', 'NOT_FOUND', 'UNAUTHENTICATED', 'REFUSED'];

/**
 * Follows the events of the account, over cuts, restarts and renewals of the token, until the signal aborts or the VM
 * is deleted. Rejects with a SwiftorError that another try would not mend.
 */
export async function followEvents(socket: Socket, follower: Follower, signal: AbortSignal): Promise<void> {
  for (let failures = 0; !signal.aborted; failures += 1) {
    const { wasHeard, isDeleted, problem } = await followOnce(socket, follower, signal);
    if (isDeleted) return;
    if (problem !== undefined && FINAL.includes(problem.code)) throw problem;
    if (wasHeard) failures = 0;
    const least = (problem?.details.retryAfterSeconds ?? 0) * 1_000;
    await pause(Math.max(least, backoff(failures)), signal);
  }
}

interface Ending {
  readonly wasHeard: boolean;
  /** Whether the VM that was followed has been deleted. */
  readonly isDeleted: boolean;
  readonly problem: SwiftorError | undefined;
}

/** One subscription, which the socket repeats after each cut. */
function followOnce(socket: Socket, { vmId, begin, onEvent }: Follower, signal: AbortSignal): Promise<Ending> {
  let wasHeard = false;
  let isDeleted = false;
  const variables = {
    vmId,
    get after() {
      return begin();
    },
  };
  return new Promise((resolve) => {
    const unsubscribe = socket.client.subscribe<Result>(
      { query: textOf(VmEvents), variables },
      {
        next({ data, errors }) {
          // With an error, an event is not whole: the next stream brings it again.
          if (data == null || errors !== undefined) return end(toSwiftorError(errors ?? []));
          wasHeard = true;
          isDeleted = vmId !== undefined && data.vmEvents.kind === 'DELETED';
          if (!onEvent(data.vmEvents)) end();
        },
        error: (problem) =>
          end(Array.isArray(problem) ? toSwiftorError(problem as GraphqlError[]) : socket.toError(problem)),
        complete: () => end(),
      },
    );
    const abort = (): void => end();
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) end();

    function end(problem?: SwiftorError): void {
      signal.removeEventListener('abort', abort);
      resolve({ wasHeard, isDeleted, problem });
      unsubscribe();
    }
  });
}
