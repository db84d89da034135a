import type { Catalog } from '../../catalog/catalog.ts';
import type { Db } from '../../db/database.ts';
import type { EngineDriver } from '../../engine/driver.ts';
import type { DiskSpace, EngineNode } from '../../engine/engine-reports.ts';
import type { Engines } from '../../engine/open-engines.ts';
import type { Log } from '../../log.ts';
import { NOTHING_LEARNED, type EngineFacts } from '../../vm/engine-facts.ts';
import { toEngineHealth, withDisk, withNodes, withOrphans, type EngineHealth } from './engine/engine-health.ts';
import { EngineWatch } from './engine/engine-watch.ts';
import { FactsWatch } from './facts-watch.ts';
import { StatsWatch } from './stats-watch.ts';
import { StorageWatch, type StorageWatchOptions } from './storage-watch.ts';

interface RegionWatchesOptions {
  readonly engines: Engines;
  readonly db: Db;
  readonly catalog: Catalog;
  readonly log: Log;
  /** How long a container or volume is without a row before it counts as an orphan; 60 s. */
  readonly orphanGraceMs: number | undefined;
}

/** Watches the engines and answers by region. Regions with the same endpoint share an engine and its watches. */
export class RegionWatches {
  readonly #options: RegionWatchesOptions;
  readonly #engines = new Map<EngineDriver, EngineWatch>();
  readonly #facts = new Map<EngineDriver, FactsWatch>();
  readonly #storage = new Map<EngineDriver, StorageWatch>();
  readonly #stats = new Map<EngineDriver, StatsWatch>();
  readonly #goneHandlers = new Set<(vmId: string, ref: string) => void>();
  /** Undefined while disks are not watched. */
  #watermark: StorageWatchOptions['watermark'] | undefined;
  #measuresStats = false;
  #state = '';
  #changedAt = new Date();

  constructor(options: RegionWatchesOptions) {
    this.#options = options;
    this.#watchNew();
  }

  /** Follows the engines as they are now: watches what is new, and no longer what has left. */
  async follow(): Promise<void> {
    this.#watchNew();
    const current = new Set(this.#options.engines.endpoints.map(({ driver }) => driver));
    const left = [...this.#engines.keys()].filter((driver) => !current.has(driver));
    for (const watches of this.#watchesByKind()) {
      const ended = left.flatMap((driver) => watches.get(driver) ?? []);
      for (const driver of left) watches.delete(driver);
      await Promise.all(ended.map((watch) => watch.close()));
    }
  }

  #watchNew(): void {
    const { engines, db, catalog, log, orphanGraceMs } = this.#options;
    const watchOptions = { db, log, ...(orphanGraceMs !== undefined && { orphanGraceMs }) };
    for (const engine of engines.endpoints) {
      const { driver } = engine;
      if (!this.#engines.has(driver)) {
        const watch = new EngineWatch(engine, watchOptions);
        watch.onGone((vmId, ref) => {
          for (const handle of this.#goneHandlers) handle(vmId, ref);
        });
        this.#engines.set(driver, watch);
        this.#facts.set(driver, new FactsWatch(engine, { db, catalog, log }));
      }
      const watermark = this.#watermark;
      if (watermark !== undefined && !this.#storage.has(driver))
        this.#storage.set(driver, new StorageWatch(engine, { db, catalog, log, watermark }));
      if (this.#measuresStats && !this.#stats.has(driver)) this.#stats.set(driver, new StatsWatch(engine, { db, log }));
    }
  }

  #watchesByKind(): readonly Map<EngineDriver, { close(): Promise<void> }>[] {
    return [this.#stats, this.#storage, this.#facts, this.#engines];
  }

  /** Starts watching the disks, which only the reconciler needs. */
  watchStorage(watermark: StorageWatchOptions['watermark']): void {
    this.#watermark = watermark;
    this.#watchNew();
  }

  /** Starts measuring what VMs use, which only the reconciler needs to do. */
  watchStats(): void {
    this.#measuresStats = true;
    this.#watchNew();
  }

  /** Throws for a region that is not configured; rows may still have it. */
  getDriver(region: string): EngineDriver {
    const driver = this.#options.engines.drivers.get(region);
    if (driver === undefined)
      throw new Error(`The region "${region}" is not in REGIONS; add it again, or delete its VMs first.`);
    return driver;
  }

  isAnswering(region: string): boolean {
    const driver = this.#options.engines.drivers.get(region);
    return driver !== undefined && this.#engines.get(driver)?.isAnswering() === true;
  }

  /** The number of VMs on the region's engine that are not in the database. */
  countOrphans(region: string): number {
    return this.#engines.get(this.getDriver(region))?.orphans() ?? 0;
  }

  healthOf(region: string): EngineHealth {
    const driver = this.getDriver(region);
    const health = this.#engines.get(driver)?.health() ?? toEngineHealth(false, undefined);
    const withFull = withDisk(health, this.#storage.get(driver)?.isFull === true);
    return withOrphans(withNodes(withFull, driver.nodes()), this.countOrphans(region));
  }

  factsOf(region: string): EngineFacts {
    const driver = this.#options.engines.drivers.get(region);
    if (driver === undefined) return { ...NOTHING_LEARNED, problem: 'ENGINE_UNREACHABLE' };
    return { ...(this.#facts.get(driver)?.read() ?? NOTHING_LEARNED), problem: this.healthOf(region).problem };
  }

  /** When this method first found the regions as they are now. */
  changedAt(): Date {
    const regions = [...this.#options.engines.drivers.keys()];
    const state = JSON.stringify(regions.map((region) => [region, this.healthOf(region).problem ?? null]));
    if (state !== this.#state) {
      this.#state = state;
      this.#changedAt = new Date();
    }
    return this.#changedAt;
  }

  /** The nodes of the region's cluster; none if it is a single engine. */
  nodesOf(region: string): readonly EngineNode[] {
    return this.getDriver(region).nodes();
  }

  /** The disk of the region's engine as last read; undefined before, and while it is not watched. */
  diskSpace(region: string): DiskSpace | undefined {
    return this.#storage.get(this.getDriver(region))?.space;
  }

  /** Whether the disk has room for new VMs; true while it is not watched. */
  async hasRoom(region: string): Promise<boolean> {
    return (await this.#storage.get(this.getDriver(region))?.hasRoom()) !== false;
  }

  /**
   * Calls `handle` when an engine reports that a VM's container is gone. Returns a function that removes the handler.
   */
  onGone(handle: (vmId: string, ref: string) => void): () => void {
    this.#goneHandlers.add(handle);
    return () => this.#goneHandlers.delete(handle);
  }

  async close(): Promise<void> {
    for (const watches of this.#watchesByKind()) {
      await Promise.all([...watches.values()].map((watch) => watch.close()));
    }
  }
}
