import type { Vm } from '../../vm/vm.ts';
import type { VmUpstreams } from './vm-upstreams.ts';

/** An entry that was not used for so long is read again at its next use, and costs nothing until then. */
const UNUSED_MS = 10_000;

/** The row of a VM as `VmCache` keeps it. Its times are of performance.now(). */
export interface CachedVm {
  readonly vm: Vm;
  /** The number of the statement that it comes from. */
  readonly order: number;
  /** When the row was last known to be current; 0 after a notification. */
  checkedAt: number;
  /** Until then its container counts as gone, although the row does not say so yet. */
  readonly goneUntil: number;
  usedAt: number;
  readonly upstreams: VmUpstreams;
}

/** Whether the cache keeps the entry fresh, without being asked for it. */
export function isVisited({ usedAt, upstreams }: CachedVm, now: number): boolean {
  return upstreams.isInUse || now - usedAt < UNUSED_MS;
}
