import type { Catalog } from '../../catalog/catalog.ts';
import type { Db } from '../../db/database.ts';
import type { EngineDriver } from '../../engine/driver.ts';
import type { DiskSpace } from '../../engine/engine-reports.ts';
import type { Engines } from '../../engine/open-engines.ts';
import type { Log } from '../../log.ts';
import { NOTHING_LEARNED, type EngineFacts } from '../../vm/engine-facts.ts';
import { toEngineHealth, withDisk, withOrphans, type EngineHealth } from './engine-health.ts';
import { EngineWatch } from './engine-watch.ts';
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
  readonly #engines: ReadonlyMap<EngineDriver, EngineWatch>;
  readonly #facts: ReadonlyMap<EngineDriver, FactsWatch>;
  readonly #storage = new Map<EngineDriver, StorageWatch>();
  readonly #stats = new Map<EngineDriver, StatsWatch>();
  #state = '';
  #changedAt = new Date();

  constructor(options: RegionWatchesOptions) {
    this.#options = options;
    const { engines, db, catalog, log, orphanGraceMs } = options;
    const watchOptions = { db, log, ...(orphanGraceMs !== undefined && { orphanGraceMs }) };
    this.#engines = new Map(engines.endpoints.map((engine) => [engine.driver, new EngineWatch(engine, watchOptions)]));
    this.#facts = new Map(
      engines.endpoints.map((engine) => [engine.driver, new FactsWatch(engine, { db, catalog, log })]),
    );
  }

  /** Starts watching the disks, which only the reconciler needs. */
  watchStorage(watermark: StorageWatchOptions['watermark']): void {
    const { engines, db, catalog, log } = this.#options;
    for (const engine of engines.endpoints) {
      this.#storage.set(engine.driver, new StorageWatch(engine, { db, catalog, log, watermark }));
    }
  }

  /** Starts measuring what VMs use, which only the reconciler needs to do. */
  watchStats(): void {
    const { engines, db, log } = this.#options;
    for (const engine of engines.endpoints) this.#stats.set(engine.driver, new StatsWatch(engine, { db, log }));
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
    return withOrphans(withDisk(health, this.#storage.get(driver)?.isFull === true), this.countOrphans(region));
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
    const removers = [...this.#engines.values()].map((watch) => watch.onGone(handle));
    return () => {
      for (const remove of removers) remove();
    };
  }

  async close(): Promise<void> {
    for (const watches of [this.#stats, this.#storage, this.#facts, this.#engines]) {
      await Promise.all([...watches.values()].map((watch) => watch.close()));
    }
  }
}
