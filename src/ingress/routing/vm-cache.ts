import type { Catalog } from '../../catalog/catalog.ts';
import type { Db } from '../../db/database.ts';
import type { Listener } from '../../db/listen.ts';
import { findVmVersions, versionOf } from '../../vm/store/vm-store.ts';
import { VmAccesses } from '../access/vm-accesses.ts';
import { endAll, isInUse, isVisited, type CachedVm } from './cached-vm.ts';
import { findEndpoint, rematchRoute } from './match-route.ts';
import { VmMisses } from './vm-misses.ts';
import type { BatchedCalls } from '../../lib/concurrency/batched-calls.ts';
import { createVmReader, type VmRead } from './vm-reader.ts';
import { VmUpstreams } from './vm-upstreams.ts';

export interface VmCacheOptions {
  readonly db: Db;
  readonly listener: Listener;
  readonly catalog: Catalog;
}

/** Bounds the age of an entry, because a notification may be lost. */
const FRESH_MS = 900;
const SWEEP_EVERY_MS = 400;
/**
 * How long the engine's report that a container is gone overrides an unchanged row; the reconciler has updated it by
 * then.
 */
const GONE_MS = 3_000;
const MAX_ENTRIES = 10_000;
/** Evicted at once when there are more entries, because choosing them takes a scan. */
const EVICTED_AT_ONCE = 100;
/** Ids without a VM are kept apart, so made-up addresses evict no VM. */
const MAX_MISSES = 10_000;

/**
 * The rows of the VMs that are being visited.
 *
 * INVARIANTS
 * - `get` returns nothing that was last confirmed more than 900 ms ago. Notifications invalidate an entry at once; a
 *   sweep finds the changes whose notification was lost.
 * - Of two reads of a VM, the one that started later wins.
 * - As soon as a read shows another container or endpoint, or none, the upstreams to the old one abort; and as soon as
 *   it lacks an access, what runs by it ends.
 * - An entry whose upstreams or accesses are in use is never evicted.
 */
export class VmCache {
  readonly #options: VmCacheOptions;
  readonly #entries = new Map<string, CachedVm>();
  readonly #misses = new VmMisses(MAX_MISSES);
  readonly #reader: BatchedCalls<string, VmRead>;
  readonly #reading = new Map<string, Promise<CachedVm | undefined>>();
  readonly #sweepTimer: NodeJS.Timeout;
  readonly #unlisten: readonly (() => void)[];
  #isSweeping = false;

  constructor(options: VmCacheOptions) {
    this.#options = options;
    this.#reader = createVmReader(options.db);
    this.#sweepTimer = setInterval(() => this.#sweep(), SWEEP_EVERY_MS).unref();
    this.#unlisten = [
      options.listener.on('vm_event', (payload) => {
        const [, vmId] = JSON.parse(payload) as [string, string];
        this.#misses.delete(vmId);
        this.invalidate(vmId);
      }),
      options.listener.on('vm_access', (vmId) => this.invalidate(vmId)),
      options.listener.onResync(() => {
        this.#misses.clear();
        for (const vmId of this.#entries.keys()) this.invalidate(vmId);
      }),
    ];
  }

  /** The entry of a VM, undefined if it does not exist. Synchronous while the entry is fresh. */
  get(vmId: string): CachedVm | undefined | Promise<CachedVm | undefined> {
    const cached = this.#entries.get(vmId);
    if (cached === undefined && this.#misses.has(vmId)) return undefined;
    const isFresh = cached !== undefined && performance.now() - cached.checkedAt < FRESH_MS;
    return isFresh ? cached : this.#readOnce(vmId);
  }

  /** Whether `get` needs no read, or only one of those that keep a visited entry fresh. */
  isKnown(vmId: string): boolean {
    const entry = this.#entries.get(vmId);
    return entry === undefined ? this.#misses.has(vmId) : isVisited(entry, performance.now());
  }

  /** Ends everything that runs on a container, because the engine reports that it is gone. */
  dropContainer(vmId: string, ref: string): void {
    const entry = this.#entries.get(vmId);
    // A container that was replaced is removed only after the new one answers.
    if (entry?.vm.engineRef !== ref) return;
    entry.upstreams.endAll();
    this.#entries.set(vmId, { ...entry, goneUntil: performance.now() + GONE_MS });
    this.invalidate(vmId);
  }

  close(): void {
    clearInterval(this.#sweepTimer);
    for (const stop of this.#unlisten) stop();
    for (const entry of this.#entries.values()) endAll(entry);
    this.#entries.clear();
  }

  /** The entry of a VM by a statement that has not been sent yet; later callers of `get` share it. */
  read(vmId: string): Promise<CachedVm | undefined> {
    this.#reading.delete(vmId);
    return this.#readOnce(vmId);
  }

  /** Shares one read among concurrent callers. After an invalidation, later callers get a new read. */
  #readOnce(vmId: string): Promise<CachedVm | undefined> {
    const known = this.#reading.get(vmId);
    if (known !== undefined) return known;
    const isCurrent = () => this.#reading.get(vmId) === reading;
    const reading = this.#read(vmId, isCurrent).finally(() => isCurrent() && this.#reading.delete(vmId));
    this.#reading.set(vmId, reading);
    return reading;
  }

  /** What was invalidated meanwhile serves only those who asked before. */
  async #read(vmId: string, isCurrent: () => boolean): Promise<CachedVm | undefined> {
    const { catalog } = this.#options;
    const { vm, startedAt, order } = await this.#reader.call(vmId);
    const latest = this.#entries.get(vmId);
    if ((latest?.order ?? this.#misses.orderOf(vmId)) > order) return latest;
    const { upstreams, accesses } = latest ?? { upstreams: new VmUpstreams(), accesses: new VmAccesses() };
    if (vm === undefined) {
      endAll({ upstreams, accesses });
      this.#entries.delete(vmId);
      this.#misses.add(vmId, { order, expiresAt: isCurrent() ? startedAt + FRESH_MS : 0 });
      return undefined;
    }
    const distribution = catalog.distributions.get(vm.distribution);
    upstreams.endStale((route) => findEndpoint(vm, rematchRoute(vm, distribution, route)));
    accesses.update(vm.userId, vm.accesses);
    const isUnchanged = latest !== undefined && versionOf(vm) === versionOf(latest.vm);
    const goneUntil = isUnchanged ? latest.goneUntil : 0;
    const entry: CachedVm = {
      vm,
      order,
      checkedAt: isCurrent() ? startedAt : 0,
      upstreams,
      accesses,
      goneUntil,
      usedAt: latest?.usedAt ?? startedAt,
    };
    this.#misses.delete(vmId);
    this.#entries.set(vmId, entry);
    if (latest === undefined) this.#evict();
    return entry;
  }

  /** Reads a cached VM again. If that fails, the entry stays, but is not used until a read succeeds. */
  invalidate(vmId: string): void {
    this.#reading.delete(vmId);
    const entry = this.#entries.get(vmId);
    // A VM that is not cached has no upstreams to end.
    if (entry === undefined) return;
    entry.checkedAt = 0;
    void this.#readOnce(vmId).catch(() => undefined);
  }

  #sweep(): void {
    if (this.#isSweeping) return;
    this.#isSweeping = true;
    void this.#confirmEntries()
      .catch(() => undefined)
      .finally(() => (this.#isSweeping = false));
  }

  /** Compares the versions of all visited entries with one statement, and reads those again that differ. */
  async #confirmEntries(): Promise<void> {
    const startedAt = performance.now();
    const entries = new Map([...this.#entries].filter(([, entry]) => isVisited(entry, startedAt)));
    if (entries.size === 0) return;
    const versions = await findVmVersions(this.#options.db, [...entries.keys()]);
    for (const [vmId, entry] of entries) {
      if (this.#entries.get(vmId) !== entry) continue;
      if (versions.get(vmId) !== versionOf(entry.vm)) this.invalidate(vmId);
      else if (entry.checkedAt > 0) entry.checkedAt = Math.max(entry.checkedAt, startedAt);
    }
  }

  /** Evicts the least recently used entries that are not in use, if there are too many. */
  #evict(): void {
    if (this.#entries.size <= MAX_ENTRIES) return;
    const idle = [...this.#entries].filter(([, entry]) => !isInUse(entry));
    for (const [vmId, entry] of idle
      .toSorted(([, one], [, other]) => one.usedAt - other.usedAt)
      .slice(0, EVICTED_AT_ONCE)) {
      endAll(entry);
      this.#entries.delete(vmId);
    }
  }
}
