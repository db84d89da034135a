import type { Inventory } from '../../engine/engine-reports.ts';
import { PROBE_VOLUME } from '../../engine/labels.ts';

export interface OrphanFacts {
  readonly inventory: Inventory;
  /**
   * Those ids of the inventory that have a row, even of a newer version. Read after the inventory, because a container
   * is never older than its row.
   */
  readonly rowIds: ReadonlySet<string>;
  /** Ids of VMs that were deleted. */
  readonly deletedIds: ReadonlySet<string>;
  /** When each id was first seen without a row, in ms by the same clock as `now`. */
  readonly since: ReadonlyMap<string, number>;
  readonly now: number;
  readonly graceMs: number;
}

/** Ids of VMs. An orphan younger than the grace is in neither list. */
export interface OrphanVerdict {
  readonly remove: readonly string[];
  readonly quarantine: readonly string[];
}

/**
 * Decides which containers and volumes without a row are removed: those of deleted VMs, and storage trials. All others
 * are kept, because a database that was restored from a backup may lack rows of existing VMs.
 */
export function judgeOrphans({ inventory, rowIds, deletedIds, since, now, graceMs }: OrphanFacts): OrphanVerdict {
  const due = findOrphans(inventory, rowIds).filter((id) => now - (since.get(id) ?? now) >= graceMs);
  const { remove = [], quarantine = [] } = Object.groupBy(due, (id) =>
    deletedIds.has(id) || isTrial(inventory, id) ? 'remove' : 'quarantine',
  );
  return { remove, quarantine };
}

/** The ids of containers and volumes that have no row, each once. */
export function findOrphans({ machines, volumes }: Inventory, rowIds: ReadonlySet<string>): string[] {
  return [...new Set([...machines, ...volumes].map(({ id }) => id))].filter((id) => !rowIds.has(id));
}

function isTrial({ machines, volumes }: Inventory, id: string): boolean {
  return (
    !machines.some((machine) => machine.id === id) &&
    volumes.every((volume) => volume.id !== id || volume.name === PROBE_VOLUME)
  );
}
