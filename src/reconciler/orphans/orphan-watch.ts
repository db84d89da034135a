import type { Db } from '../../db/database.ts';
import type { EngineDriver } from '../../engine/driver.ts';
import type { Inventory } from '../../engine/engine-reports.ts';
import { findDeletedVms } from '../../events/deleted-vms.ts';
import type { Log } from '../../log.ts';
import { findOrphans, judgeOrphans } from './judge-orphans.ts';

interface OrphanWatchOptions {
  readonly driver: EngineDriver;
  readonly regions: readonly string[];
  readonly db: Db;
  readonly log: Log;
  readonly graceMs: number;
}

/** States in which a container has processes. */
const LIVE: ReadonlySet<string> = new Set(['running', 'paused', 'restarting']);
const MAX_CONCURRENT = 4;
/** Longer than the stop grace of any container. */
const DEADLINE_MS = 120_000;
const FIRST_RETRY_MS = 10_000;
const MAX_RETRY_MS = 600_000;

/**
 * Removes what deleted VMs left on an engine.
 *
 * INVARIANTS
 * - Nothing is removed without evidence that its VM was deleted. Other orphans are quarantined: their containers are
 *   stopped, and an operator decides (`swiftor orphans`).
 * - An orphan whose removal fails is retried with backoff and does not delay others.
 */
export class OrphanWatch {
  readonly #options: OrphanWatchOptions;
  readonly #closing = new AbortController();
  /** When each orphan was first seen, by performance.now(). */
  readonly #since = new Map<string, number>();
  readonly #failures = new Map<string, { readonly times: number; readonly nextAt: number }>();
  readonly #running = new Map<string, Promise<void>>();
  #quarantine: ReadonlySet<string> = new Set();

  constructor(options: OrphanWatchOptions) {
    this.#options = options;
  }

  /** The number of VMs in quarantine. */
  get count(): number {
    return this.#quarantine.size;
  }

  /**
   * Handles a full list. `rowIds`: those of its ids that have a row, read after it. Starts removals and stops without
   * awaiting them.
   */
  async check(inventory: Inventory, rowIds: ReadonlySet<string>): Promise<void> {
    const { db, driver, graceMs } = this.#options;
    const orphans = findOrphans(inventory, rowIds);
    const deletedIds = await findDeletedVms(db, orphans);
    const now = performance.now();
    this.#forgetAllBut(new Set(orphans));
    for (const id of orphans) if (!this.#since.has(id)) this.#since.set(id, now);
    const verdict = judgeOrphans({ inventory, rowIds, deletedIds, since: this.#since, now, graceMs });
    this.#setQuarantine(verdict.quarantine);
    for (const id of verdict.remove)
      this.#start(id, 'remove', (signal) => driver.remove(id, ['until-stop', 'until-delete'], signal));
    for (const { id, state } of inventory.machines) {
      if (this.#quarantine.has(id) && LIVE.has(state)) this.#start(id, 'stop', (signal) => driver.stop(id, signal));
    }
  }

  #forgetAllBut(orphans: ReadonlySet<string>): void {
    for (const known of [this.#since, this.#failures])
      for (const id of known.keys()) if (!orphans.has(id)) known.delete(id);
  }

  #setQuarantine(ids: readonly string[]): void {
    const { log, regions } = this.#options;
    const vmIds = ids.filter((id) => !this.#quarantine.has(id));
    this.#quarantine = new Set(ids);
    if (vmIds.length === 0) return;
    const message =
      'VMs have no row in the database, and no record of a deletion: they are stopped and kept (swiftor orphans list)';
    log.error({ vmIds, regions }, message);
  }

  #start(vmId: string, what: 'remove' | 'stop', run: (signal: AbortSignal) => Promise<void>): void {
    const { nextAt } = this.#failures.get(vmId) ?? { nextAt: 0 };
    if (this.#running.has(vmId) || this.#running.size >= MAX_CONCURRENT || performance.now() < nextAt) return;
    const work = run(AbortSignal.any([this.#closing.signal, AbortSignal.timeout(DEADLINE_MS)])).then(
      () => this.#onSuccess(vmId, what),
      (error: unknown) => this.#onFailure(vmId, what, error),
    );
    this.#running.set(
      vmId,
      work.finally(() => this.#running.delete(vmId)),
    );
  }

  #onSuccess(vmId: string, what: 'remove' | 'stop'): void {
    const { log, regions } = this.#options;
    this.#failures.delete(vmId);
    log.warn(
      { vmId, regions },
      what === 'remove' ? 'removed what was left of a deleted VM' : 'stopped a container that has no row',
    );
  }

  #onFailure(vmId: string, what: 'remove' | 'stop', error: unknown): void {
    if (this.#closing.signal.aborted) return;
    const { log, regions } = this.#options;
    const { times } = this.#failures.get(vmId) ?? { times: 0 };
    const waitMs = Math.min(FIRST_RETRY_MS * 2 ** times, MAX_RETRY_MS);
    this.#failures.set(vmId, { times: times + 1, nextAt: performance.now() + waitMs });
    log[times === 0 ? 'warn' : 'debug'](
      { err: error, vmId, regions },
      `failed to ${what} what has no row; trying again`,
    );
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled(this.#running.values());
  }
}
