import { setTimeout as delay } from 'node:timers/promises';
import { isDatabaseUnavailable } from '../../db/database-errors.ts';
import type { Db } from '../../db/database.ts';
import type { Log } from '../../log.ts';
import { endDeadWatchers, endWatcher, insertWatcher, renewWatcher } from '../iteration/watcher-store.ts';
import { LEASE_SECONDS } from '../iteration/vm-lease.ts';

interface WatcherRowOptions {
  readonly db: Db;
  /** As in leases. */
  readonly owner: string;
  readonly log: Log;
  /** Since when all VMs have been asked, by the database's clock in ms since 1970. */
  readonly checkedAt: () => number;
  /** The row was not renewed in time: the VMs are those of others. */
  readonly onLost: () => void;
}

const RENEW_MS = (LEASE_SECONDS * 1_000) / 3;
const RETRY_MS = 500;

/**
 * Keeps this gateway a watcher: one row for all VMs whose apps it asks. Makes the VMs of watchers due that have ended.
 */
export class WatcherRow {
  readonly #options: WatcherRowOptions;
  readonly #closing = new AbortController();
  readonly #loop: Promise<void>;

  constructor(options: WatcherRowOptions) {
    this.#options = options;
    this.#loop = this.#renewRepeatedly();
  }

  async #renewRepeatedly(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      const isDone = await this.#renew().catch((error: unknown) => this.#report(error));
      await delay(isDone === true ? RENEW_MS : RETRY_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  async #renew(): Promise<true> {
    const { db, owner, log, checkedAt, onLost } = this.#options;
    const isRenewed = await renewWatcher(db, owner, checkedAt());
    // Its VMs have become due, or do so when the dead are ended.
    if (!isRenewed) onLost();
    const released = await endDeadWatchers(db);
    if (released > 0)
      log.warn({ vms: released }, 'a gateway ended or lost the database; the VMs whose apps it asked are taken over');
    if (!isRenewed) await insertWatcher(db, owner);
    return true;
  }

  /** Leaves the VMs to other gateways at once. */
  async close(): Promise<void> {
    const { db, owner } = this.#options;
    this.#closing.abort();
    await this.#loop;
    await endWatcher(db, owner).catch((error: unknown) => this.#report(error));
  }

  /** Skips database outages: they are logged where they are noticed. */
  #report(error: unknown): void {
    if (!isDatabaseUnavailable(error)) this.#options.log.error({ err: error }, 'failed to watch the apps of VMs');
  }
}
