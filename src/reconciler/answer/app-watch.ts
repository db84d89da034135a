import { setTimeout as delay } from 'node:timers/promises';
import { isDatabaseUnavailable } from '../../db/database-errors.ts';
import type { Db } from '../../db/database.ts';
import type { Listener } from '../../db/listen.ts';
import type { Log } from '../../log.ts';
import type { CheckedApp } from '../iteration/checked-app.ts';
import type { Released } from '../iteration/release-leases.ts';
import { markWatched } from '../iteration/watcher-store.ts';
import { AppRounds, type Watched } from './app-rounds.ts';
import { WatchDoubts } from './watch-doubts.ts';
import { WatcherRow } from './watcher-row.ts';

interface AppWatchOptions {
  readonly db: Db;
  readonly listener: Listener;
  /** As in leases. */
  readonly owner: string;
  readonly log: Log;
  /** Between an answer and the next question; CHECK_SECONDS. */
  readonly checkEveryMs?: number;
}

/** How often an app that was up is asked. With the time it has to answer twice, it is DEGRADED within 10 s. */
export const CHECK_SECONDS = 5;
/** A VM is left to all gateways after this time, or up to twice as long: new ones get their share. */
const WATCH_SECONDS = 600;
const RETRY_MS = 500;

/**
 * Asks the apps of VMs that run and need nothing, without a lease and without the database: a VM that stays as it is
 * costs no statement. All of this gateway's VMs have one row, the watcher's, which is renewed.
 *
 * INVARIANTS
 * - It only looks. A VM that has changed becomes due, and whoever claims it acts.
 * - A VM that becomes due for any reason is not watched any more. Whoever releases it next watches it. A notification is
 *   only a reason to read the rows: it may be late, and the VM be released to this watcher again.
 * - The row's `checked_at` is never later than the oldest of the last answers that were as the rows say.
 * - VMs of a watcher that is not renewed in time become due. It forgets them itself when it finds that out.
 */
export class AppWatch {
  readonly #options: AppWatchOptions;
  readonly #rounds: AppRounds;
  readonly #row: WatcherRow;
  readonly #changed = new Map<string, Watched>();
  readonly #doubts: WatchDoubts;
  readonly #closing = new AbortController();
  readonly #unlisten: readonly (() => void)[];
  #marking: Promise<void> | undefined;

  constructor(options: AppWatchOptions) {
    this.#options = options;
    const { listener, checkEveryMs: everyMs = CHECK_SECONDS * 1_000 } = options;
    this.#rounds = new AppRounds({ everyMs, onChanged: (watched) => this.#onChanged(watched) });
    this.#doubts = new WatchDoubts({
      ...options,
      find: (vmId) => this.#find(vmId),
      end: (vmId) => this.#end(vmId),
      onError: (error) => this.#report(error),
    });
    this.#unlisten = [
      listener.on('vm_due', (vmId) => this.#doubts.add([vmId])),
      listener.onResync(() => this.#doubts.add(this.#rounds.vmIds())),
    ];
    this.#row = new WatcherRow({ ...options, checkedAt: () => this.#checkedAt(), onLost: () => this.#endAll() });
  }

  /** The number of VMs that this gateway watches. */
  get size(): number {
    return this.#rounds.size + this.#changed.size;
  }

  /** Watches the VM if `release` resolves to 'watched': the lease was released to this watcher. */
  async begin(
    vmId: string,
    app: CheckedApp,
    release: () => Promise<Released | undefined>,
  ): Promise<Released | undefined> {
    return this.#doubts.after(vmId, async () => {
      const released = await release();
      if (released !== 'watched' || this.#closing.signal.aborted) return released;
      const now = performance.now();
      const until = now + WATCH_SECONDS * 1_000 * (1 + Math.random());
      this.#end(vmId);
      this.#rounds.begin({ vmId, app, sameAt: now, until });
      return released;
    });
  }

  #end(vmId: string): void {
    this.#rounds.end(vmId);
    this.#changed.delete(vmId);
  }

  #endAll(): void {
    for (const vmId of [...this.#rounds.vmIds(), ...this.#changed.keys()]) this.#end(vmId);
  }

  #find(vmId: string): Watched | undefined {
    return this.#rounds.find(vmId) ?? this.#changed.get(vmId);
  }

  #onChanged(watched: Watched): void {
    this.#changed.set(watched.vmId, watched);
    this.#marking ??= this.#markChanged();
  }

  /** All at a time: the end of a node changes each of its VMs. */
  async #markChanged(): Promise<void> {
    const { db, owner } = this.#options;
    while (this.#changed.size > 0) {
      const vmIds = [...this.#changed.keys()];
      try {
        await markWatched(db, owner, vmIds);
        for (const vmId of vmIds) this.#changed.delete(vmId);
      } catch (error) {
        this.#report(error);
        await delay(RETRY_MS, undefined, { signal: this.#closing.signal }).catch(() => undefined);
      }
    }
    this.#marking = undefined;
  }

  /** By the database's clock. */
  #checkedAt(): number {
    const now = performance.now();
    const changed = [...this.#changed.values()].map(({ sameAt }) => sameAt);
    return this.#options.listener.databaseTime() - (now - Math.min(now, this.#rounds.oldestSameAt, ...changed));
  }

  /** Stops asking and leaves the VMs to other gateways at once. */
  async close(): Promise<void> {
    for (const stop of this.#unlisten) stop();
    this.#closing.abort();
    this.#changed.clear();
    await Promise.all([this.#rounds.close(), this.#doubts.close(), this.#marking]);
    await this.#row.close();
  }

  /** Skips database outages: they are logged where they are noticed. */
  #report(error: unknown): void {
    if (!isDatabaseUnavailable(error)) this.#options.log.error({ err: error }, 'failed to watch the apps of VMs');
  }
}
