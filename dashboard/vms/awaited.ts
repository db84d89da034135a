import { signal } from '@preact/signals';

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
