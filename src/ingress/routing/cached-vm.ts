import type { VisitedVm } from '../../vm/store/vm-store.ts';
import type { VmAccesses } from '../access/vm-accesses.ts';
import type { VmUpstreams } from './vm-upstreams.ts';

/** An entry that was not used for so long is read again at its next use, and costs nothing until then. */
const UNUSED_MS = 10_000;

/** The row of a VM as `VmCache` keeps it. Its times are of performance.now(). */
export interface CachedVm {
  readonly vm: VisitedVm;
  /** The number of the statement that it comes from. */
  readonly order: number;
  /** When the row was last known to be current; 0 after a notification. */
  checkedAt: number;
  /** Until then its container counts as gone, although the row does not say so yet. */
  readonly goneUntil: number;
  usedAt: number;
  readonly upstreams: VmUpstreams;
  readonly accesses: VmAccesses;
}

/** Whether the cache keeps the entry fresh, without being asked for it. */
export function isVisited(entry: CachedVm, now: number): boolean {
  return isInUse(entry) || now - entry.usedAt < UNUSED_MS;
}

/** Whether something runs on its container, or by an access to it. */
export function isInUse({ upstreams, accesses }: CachedVm): boolean {
  return upstreams.isInUse || accesses.isInUse;
}

/** Ends all that runs on its container, and by accesses to it. */
export function endAll({ upstreams, accesses }: Pick<CachedVm, 'upstreams' | 'accesses'>): void {
  upstreams.endAll();
  accesses.endAll();
}
