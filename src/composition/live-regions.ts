import { sql } from 'kysely';
import type { LiveCatalog } from '../catalog/live-catalog.ts';
import type { Config } from '../config/config.ts';
import { readRegions, type RegionSettings } from '../config/read-regions.ts';
import { isDatabaseUnavailable } from '../db/database-errors.ts';
import type { Db } from '../db/database.ts';
import type { Engines } from '../engine/open-engines.ts';
import { FileWatch } from '../lib/files/file-watch.ts';
import type { Log } from '../log.ts';
import type { RegionWatches } from '../reconciler/watch/region-watches.ts';

interface LiveRegionsOptions {
  readonly config: Pick<Config, 'regionSource' | 'regions'>;
  readonly db: Db;
  readonly catalog: LiveCatalog;
  readonly engines: Engines;
  readonly watches: RegionWatches;
  readonly log: Log;
  readonly everyMs?: number;
}

/**
 * The regions, which are read again when REGIONS_FILE changes, and by `reload`.
 *
 * INVARIANTS
 * - All of it changes at once, or nothing: what is wrong is logged, and the regions before stay.
 * - A region that has VMs stays: without it nobody would stop or delete them, and their statuses would be those of the
 *   past.
 */
export class LiveRegions implements RegionSettings {
  readonly #options: LiveRegionsOptions;
  #current: RegionSettings;
  #watch: FileWatch | undefined;

  private constructor(options: LiveRegionsOptions) {
    this.#options = options;
    this.#current = options.config.regions;
  }

  static async open(options: LiveRegionsOptions): Promise<LiveRegions> {
    const live = new LiveRegions(options);
    const { REGIONS_FILE: file } = options.config.regionSource;
    if (file !== undefined)
      live.#watch = await FileWatch.open({
        files: [file],
        everyMs: options.everyMs,
        onChange: () => live.reload(),
      });
    return live;
  }

  get regions(): RegionSettings['regions'] {
    return this.#current.regions;
  }

  get runtimes(): RegionSettings['runtimes'] {
    return this.#current.runtimes;
  }

  get hosts(): RegionSettings['hosts'] {
    return this.#current.hosts;
  }

  get codes(): readonly string[] {
    return [...this.#current.regions.keys()];
  }

  /** Reads the file again; does nothing without one. Never rejects. */
  async reload(): Promise<void> {
    if (this.#watch === undefined) return;
    const { config, catalog, log } = this.#options;
    await this.#watch.note();
    try {
      await this.#change(readRegions(config.regionSource));
      log.info({ regions: this.codes }, 'the regions were reloaded');
    } catch (error) {
      catalog.offerRegions(this.codes);
      if (isDatabaseUnavailable(error)) this.#watch.forget();
      log.error({ err: error }, 'failed to change the regions; keeping the previous ones');
    }
  }

  async #change(next: RegionSettings): Promise<void> {
    const { catalog, engines, watches } = this.#options;
    const removed = this.codes.filter((code) => !next.regions.has(code));
    // First, so that no VM is created in a region after its VMs were counted.
    catalog.offerRegions([...next.regions.keys()]);
    await this.#refuseWithVms(removed);
    const left = engines.change(next.regions);
    this.#current = next;
    await watches.follow();
    await Promise.all(left.map(({ driver }) => driver.close()));
  }

  async #refuseWithVms(codes: readonly string[]): Promise<void> {
    if (codes.length === 0) return;
    const row = await this.#options.db
      .selectFrom('vm')
      .select(['region', sql<number>`count(*)::int`.as('count')])
      .where('region', '=', sql<string>`any(${[...codes]}::text[])`)
      .groupBy('region')
      .limit(1)
      .executeTakeFirst();
    if (row === undefined) return;
    const { region, count } = row;
    throw new Error(
      `REGIONS_FILE no longer has the region "${region}", which still has VMs (${count}). Drain it, delete them, and ` +
        'then remove it.',
    );
  }

  close(): void {
    this.#watch?.close();
  }
}
