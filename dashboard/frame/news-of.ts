import type { VmEvent } from '../api/vm-events.ts';
import { words } from '../words/words.ts';
import { attemptOf, failingIn } from '../vms/vm-facts.ts';

/** What happened longer ago, before a window was seen again, is no news. */
const NEW_MS = 60_000;

interface News {
  readonly text: string;
  readonly isRunning: boolean;
}

/** What an event means to a user who looks at another screen; undefined if nothing. Pure. */
export function newsOf(
  { kind, status, previousStatus, at, vm }: Omit<VmEvent, 'seq' | 'vmId' | 'reason'>,
  now: number,
): News | undefined {
  if (kind !== 'CHANGED' || vm === null || status === previousStatus) return undefined;
  // A resumed stream tells what has passed since.
  if (vm.status !== status || now - Date.parse(at) > NEW_MS) return undefined;
  if (status === 'RUNNING' && previousStatus === 'BOOTING')
    return { text: words.toast.running(vm.vmlabel), isRunning: true };
  // It is tried again and again: the first failure is news.
  if (status !== 'FAILED' || attemptOf(vm) > 1) return undefined;
  return { text: words.toast.failed(vm.vmlabel, failingIn(previousStatus)), isRunning: false };
}
