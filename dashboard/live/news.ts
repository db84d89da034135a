import { signal } from '@preact/signals';
import type { VmEvent } from '../api/vm-events.ts';
import { toast } from '../parts/toast.tsx';
import { words } from '../words/words.ts';
import { openVm } from './open-vm.ts';
import { onVmEvents } from './vms.ts';

/** VMs whose user wants to be told when they run, also in another window or program. */
export const awaited = signal<ReadonlySet<string>>(new Set());

/** Asks the browser for leave to notify; false if it is refused. */
export async function awaitRunning(vmId: string, isAwaited: boolean): Promise<boolean> {
  const next = new Set(awaited.peek());
  if (!isAwaited) next.delete(vmId);
  else if ((await Notification.requestPermission()) === 'granted') next.add(vmId);
  awaited.value = next;
  return next.has(vmId) === isAwaited;
}

/** Tells what happened to VMs that are not on the screen. `go` opens an address. Returns the way to stop. */
export function tellNews(go: (path: string) => void): () => void {
  return onVmEvents((events) => events.forEach((event) => tell(event, go)));
}

function tell({ kind, status, previousStatus, vm, vmId }: VmEvent, go: (path: string) => void): void {
  if (kind !== 'CHANGED' || vm === null || status === previousStatus) return;
  const isRunning = status === 'RUNNING' && previousStatus === 'BOOTING';
  if (isRunning && awaited.peek().has(vmId) && Notification.permission === 'granted')
    new Notification(words.toast.running(vm.vmlabel));
  if (isShown(vmId)) return;
  if (isRunning)
    toast(words.toast.running(vm.vmlabel), { action: { label: words.toast.open, run: () => void openVm(vmId) } });
  if (status === 'FAILED')
    toast(words.toast.failed(vm.vmlabel), {
      stays: true,
      action: { label: words.toast.why, run: () => go(`/vm/${vmId}`) },
    });
}

/** What is on the screen needs no toast. */
function isShown(vmId: string): boolean {
  return location.pathname.startsWith(`/vm/${vmId}`) || document.querySelector(`[data-vm="${vmId}"]`) !== null;
}
