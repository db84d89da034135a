import type { Inventory } from '../../engine/driver.ts';
import { TRIAL_VOLUME } from '../../engine/labels.ts';

export interface OrphanFacts {
  readonly inventory: Inventory;
  /** Of every row, also of those that this version cannot read. Read after the inventory: a container is never older than its row. */
  readonly rowIds: ReadonlySet<string>;
  /** Of VMs that were deleted. */
  readonly deletedIds: ReadonlySet<string>;
  /** When an id was first seen without a row; in milliseconds, by the same clock as `now`. */
  readonly since: ReadonlyMap<string, number>;
  readonly now: number;
  readonly graceMs: number;
}

/** Ids of VMs; what has been without a row for less than the grace is in neither. */
export interface OrphanVerdict {
  readonly remove: readonly string[];
  readonly quarantine: readonly string[];
}

/**
 * What is removed of the containers and volumes that have no row: those of VMs that were deleted, and trials of storage. No other
 * sign is enough, for a database that was restored from a backup does not know what it has forgotten: all else is kept.
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
  return !machines.some((machine) => machine.id === id) && volumes.every((volume) => volume.id !== id || volume.name === TRIAL_VOLUME);
}
