import { setTimeout as delay } from 'node:timers/promises';
import { isDatabaseUnavailable } from '../../db/database-errors.ts';
import type { Db } from '../../db/database.ts';
import type { Listener } from '../../db/listen.ts';
import type { Log } from '../../log.ts';
import { measures } from '../../measures.ts';
import type { CheckedApp } from '../iteration/checked-app.ts';
import type { Released } from '../iteration/release-leases.ts';
import {
  endDeadWatchers,
  endWatcher,
  insertWatcher,
  findWatched,
  markWatched,
  renewWatcher,
} from '../iteration/watcher-store.ts';
import { LEASE_SECONDS } from '../iteration/vm-lease.ts';

interface AppWatchOptions {
  readonly db: Db;
  readonly listener: Listener;
  /** As in leases. */
  readonly owner: string;
  readonly log: Log;
  /** Between an answer and the next question; CHECK_SECONDS. */
  readonly checkEveryMs?: number;
}

interface Watched {
  readonly vmId: string;
  readonly app: CheckedApp;
  /** When it was last as its row says, by performance.now(). */
  sameAt: number;
  /** By performance.now(). */
  readonly until: number;
  /** Ends the check that runs. */
  check?: AbortController;
}

/** How often an app that was up is asked. With the time it has to answer twice, it is DEGRADED within 10 s. */
export const CHECK_SECONDS = 5;
/** A VM is left to all gateways after this time, or up to twice as long: new ones get their share. */
const WATCH_SECONDS = 600;
/** An app that takes longer is asked under a lease, where it has more time. */
const TIMEOUT_MS = 1_500;
/** For engine and app together. */
const DEADLINE_MS = 10_000;
/** So many connections and calls to engines wait at a time. */
const MAX_AT_ONCE = 512;
const RENEW_MS = (LEASE_SECONDS * 1_000) / 3;
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
  readonly #everyMs: number;
  /** In the order of `sameAt`. */
  readonly #waiting = new Map<string, Watched>();
  /** In the order of `sameAt`. */
  readonly #asked = new Map<string, Watched>();
  readonly #changed = new Map<string, Watched>();
  /** The release of their leases is under way. */
  readonly #releasing = new Set<string>();
  /** Something may have made them due. */
  readonly #doubted = new Set<string>();
  readonly #closing = new AbortController();
  readonly #unlisten: readonly (() => void)[];
  readonly #loop: Promise<void>;
  readonly #checks = new Set<Promise<void>>();
  #marking: Promise<void> | undefined;
  #judging: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: AppWatchOptions) {
    this.#options = options;
    const { listener, checkEveryMs = CHECK_SECONDS * 1_000 } = options;
    this.#everyMs = checkEveryMs;
    this.#unlisten = [
      listener.on('vm_due', (vmId) => this.#doubt([vmId])),
      listener.onResync(() => this.#doubt([...this.#waiting.keys(), ...this.#asked.keys()])),
    ];
    this.#loop = this.#renewRepeatedly();
  }

  /** The number of VMs that this gateway watches. */
  get size(): number {
    return this.#waiting.size + this.#asked.size + this.#changed.size;
  }

  /** Watches the VM if `release` resolves to 'watched': the lease was released to this watcher. */
  async begin(
    vmId: string,
    app: CheckedApp,
    release: () => Promise<Released | undefined>,
  ): Promise<Released | undefined> {
    this.#releasing.add(vmId);
    try {
      const released = await release();
      if (released !== 'watched' || this.#closing.signal.aborted) return released;
      const now = performance.now();
      const until = now + WATCH_SECONDS * 1_000 * (1 + Math.random());
      this.#end(vmId);
      this.#waiting.set(vmId, { vmId, app, sameAt: now, until });
      this.#schedule();
      return released;
    } finally {
      this.#releasing.delete(vmId);
      if (this.#doubted.has(vmId)) this.#doubt([vmId]);
    }
  }

  #end(vmId: string): void {
    for (const among of [this.#waiting, this.#asked, this.#changed]) {
      among.get(vmId)?.check?.abort();
      among.delete(vmId);
    }
  }

  #find(vmId: string): Watched | undefined {
    return this.#waiting.get(vmId) ?? this.#asked.get(vmId) ?? this.#changed.get(vmId);
  }

  #doubt(vmIds: readonly string[]): void {
    for (const vmId of vmIds) if (this.#find(vmId) !== undefined || this.#releasing.has(vmId)) this.#doubted.add(vmId);
    if (this.#judging === undefined && this.#judgeable().length > 0) this.#judging = this.#judgeDoubted();
  }

  #judgeable(): string[] {
    return this.#closing.signal.aborted ? [] : [...this.#doubted].filter((vmId) => !this.#releasing.has(vmId));
  }

  /** Ends the VMs that are due or have another watcher. */
  async #judgeDoubted(): Promise<void> {
    const { db, owner } = this.#options;
    for (let vmIds = this.#judgeable(); vmIds.length > 0; vmIds = this.#judgeable()) {
      for (const vmId of vmIds) this.#doubted.delete(vmId);
      const before = vmIds.map((vmId) => [vmId, this.#find(vmId)] as const);
      try {
        const own = await findWatched(db, owner, vmIds);
        // One that was released to this watcher meanwhile stays.
        for (const [vmId, watched] of before) if (!own.has(vmId) && this.#find(vmId) === watched) this.#end(vmId);
      } catch (error) {
        this.#report(error);
        for (const vmId of vmIds) this.#doubted.add(vmId);
        await this.#pause(RETRY_MS);
      }
    }
    this.#judging = undefined;
  }

  #schedule(): void {
    const [next] = this.#waiting.values();
    if (next === undefined || this.#timer !== undefined || this.#closing.signal.aborted) return;
    if (this.#asked.size >= MAX_AT_ONCE) return;
    const dueInMs = Math.max(0, next.sameAt + this.#everyMs - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#askDue();
    }, dueInMs);
  }

  #askDue(): void {
    const now = performance.now();
    for (const watched of this.#waiting.values()) {
      const lateMs = now - watched.sameAt - this.#everyMs;
      if (lateMs < 0 || this.#asked.size >= MAX_AT_ONCE) break;
      measures.checkLagSeconds.observe(lateMs / 1_000);
      const check = this.#ask(watched);
      this.#checks.add(check);
      void check.finally(() => this.#checks.delete(check));
    }
    this.#schedule();
  }

  async #ask(watched: Watched): Promise<void> {
    const { vmId, app, until } = watched;
    const check = new AbortController();
    watched.check = check;
    this.#waiting.delete(vmId);
    this.#asked.set(vmId, watched);
    const deadline = setTimeout(() => check.abort(), DEADLINE_MS);
    // What the engine does not say now is found out under a lease.
    const isSame = performance.now() < until && (await app.isSame(TIMEOUT_MS, check.signal).catch(() => false));
    clearTimeout(deadline);
    if (this.#asked.get(vmId) !== watched || this.#closing.signal.aborted) return;
    this.#asked.delete(vmId);
    if (isSame) {
      watched.sameAt = performance.now();
      this.#waiting.set(vmId, watched);
    } else {
      this.#changed.set(vmId, watched);
      this.#marking ??= this.#markChanged();
    }
    this.#schedule();
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
        await this.#pause(RETRY_MS);
      }
    }
    this.#marking = undefined;
  }

  async #renewRepeatedly(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      const isDone = await this.#renew().catch((error: unknown) => this.#report(error));
      await this.#pause(isDone === true ? RENEW_MS : RETRY_MS);
    }
  }

  async #renew(): Promise<true> {
    const { db, owner, log } = this.#options;
    const isRenewed = await renewWatcher(db, owner, this.#checkedAt());
    // Its VMs have become due, or do so when the dead are ended.
    if (!isRenewed) this.#endAll();
    const released = await endDeadWatchers(db);
    if (released > 0)
      log.warn({ vms: released }, 'a gateway ended or lost the database; the VMs whose apps it asked are taken over');
    if (!isRenewed) await insertWatcher(db, owner);
    return true;
  }

  /** By the database's clock. */
  #checkedAt(): number {
    const [waiting] = this.#waiting.values();
    const [asked] = this.#asked.values();
    const oldest = [waiting, asked, ...this.#changed.values()].map((each) => each?.sameAt ?? Infinity);
    const now = performance.now();
    return this.#options.listener.databaseTime() - (now - Math.min(now, ...oldest));
  }

  #endAll(): void {
    for (const among of [this.#waiting, this.#asked, this.#changed]) for (const vmId of among.keys()) this.#end(vmId);
  }

  async #pause(milliseconds: number): Promise<void> {
    await delay(milliseconds, undefined, { signal: this.#closing.signal }).catch(() => undefined);
  }

  /** Stops asking and leaves the VMs to other gateways at once. */
  async close(): Promise<void> {
    const { db, owner } = this.#options;
    for (const stop of this.#unlisten) stop();
    this.#closing.abort();
    clearTimeout(this.#timer);
    this.#endAll();
    await Promise.all([this.#loop, this.#marking, this.#judging, ...this.#checks]);
    await endWatcher(db, owner).catch((error: unknown) => this.#report(error));
  }

  /** Skips database outages: they are logged where they are noticed. */
  #report(error: unknown): void {
    if (!isDatabaseUnavailable(error)) this.#options.log.error({ err: error }, 'watching the apps of VMs failed');
  }
}
