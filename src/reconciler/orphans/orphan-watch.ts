import type { Db } from '../../db/database.ts';
import type { EngineDriver, Inventory } from '../../engine/driver.ts';
import { findDeletedVms } from '../../events/deleted-vms.ts';
import type { Log } from '../../log.ts';
import { findOrphans, judgeOrphans } from './judge-orphans.ts';

export interface OrphanWatch {
  /** Told of each full list, with the ids of all rows, read after it. Begins what is to be done, and does not wait for it. */
  look(inventory: Inventory, rowIds: ReadonlySet<string>): Promise<void>;
  /** How many VMs are in quarantine. */
  count(): number;
  close(): Promise<void>;
}

interface OrphanWatchOptions {
  readonly driver: EngineDriver;
  readonly regions: readonly string[];
  readonly db: Db;
  readonly log: Log;
  readonly graceMs: number;
}

/** What has a process that would run unaccounted. */
const LIVE: ReadonlySet<string> = new Set(['running', 'paused', 'restarting']);
const AT_ONCE = 4;
/** Longer than a container's grace. */
const DEADLINE_MS = 120_000;
const RETRY_FIRST_MS = 10_000;
const RETRY_LAST_MS = 600_000;

/**
 * Removes what deleted VMs left on an engine. What has no row for an unknown reason is in quarantine: its containers are stopped, and
 * nothing is removed until an operator says what it is (`swiftor orphans`).
 */
export function watchOrphans({ driver, regions, db, log, graceMs }: OrphanWatchOptions): OrphanWatch {
  const closing = new AbortController();
  const since = new Map<string, number>();
  const failed = new Map<string, { readonly times: number; readonly nextAt: number }>();
  const busy = new Map<string, Promise<void>>();
  let quarantine: ReadonlySet<string> = new Set();

  const forgetAllBut = (orphans: ReadonlySet<string>): void => {
    for (const known of [since, failed]) for (const id of known.keys()) if (!orphans.has(id)) known.delete(id);
  };

  /** One that fails waits longer each time, and keeps no other waiting. */
  const begin = (vmId: string, what: 'remove' | 'stop', run: (signal: AbortSignal) => Promise<void>): void => {
    const { times, nextAt } = failed.get(vmId) ?? { times: 0, nextAt: 0 };
    if (busy.has(vmId) || busy.size >= AT_ONCE || performance.now() < nextAt) return;
    const work = run(AbortSignal.any([closing.signal, AbortSignal.timeout(DEADLINE_MS)])).then(
      () => {
        failed.delete(vmId);
        log.warn({ vmId, regions }, what === 'remove' ? 'removed what a deleted VM had left' : 'stopped a container that has no row');
      },
      (error: unknown) => {
        if (closing.signal.aborted) return;
        const waitMs = Math.min(RETRY_FIRST_MS * 2 ** times, RETRY_LAST_MS);
        failed.set(vmId, { times: times + 1, nextAt: performance.now() + waitMs });
        log[times === 0 ? 'warn' : 'debug']({ err: error, vmId, regions }, `could not ${what} what has no row; it is tried again`);
      },
    );
    busy.set(
      vmId,
      work.finally(() => busy.delete(vmId)),
    );
  };

  return {
    async look(inventory, rowIds) {
      const orphans = findOrphans(inventory, rowIds);
      const deletedIds = await findDeletedVms(db, orphans);
      const now = performance.now();
      forgetAllBut(new Set(orphans));
      for (const id of orphans) if (!since.has(id)) since.set(id, now);
      const verdict = judgeOrphans({ inventory, rowIds, deletedIds, since, now, graceMs });

      const vmIds = verdict.quarantine.filter((id) => !quarantine.has(id));
      if (vmIds.length > 0) {
        log.error(
          { vmIds, regions },
          'VMs have no row in the database, and no record of a deletion: they are stopped and kept (swiftor orphans list)',
        );
      }
      quarantine = new Set(verdict.quarantine);
      for (const id of verdict.remove) begin(id, 'remove', (signal) => driver.remove(id, ['until-stop', 'until-delete'], signal));
      for (const { id, state } of inventory.machines) {
        if (quarantine.has(id) && LIVE.has(state)) begin(id, 'stop', (signal) => driver.stop(id, signal));
      }
    },
    count: () => quarantine.size,
    async close() {
      closing.abort();
      await Promise.allSettled(busy.values());
    },
  };
}
