import { signal } from '@preact/signals';
import { onVmEvents } from './vms.ts';

const MOST = 100;

/** When VMs were deleted that this window has shown. */
export const deletedAt = signal<ReadonlyMap<string, string>>(new Map());

onVmEvents((events) => {
  const gone = events.filter(({ kind }) => kind === 'DELETED');
  if (gone.length > 0)
    deletedAt.value = new Map([...deletedAt.peek(), ...gone.map(({ vmId, at }) => [vmId, at] as const)].slice(-MOST));
});
