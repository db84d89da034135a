import { FileWatch } from '../lib/files/file-watch.ts';
import type { Log } from '../log.ts';
import { loadCatalog, toRegions, type Catalog, type CatalogOptions } from './catalog.ts';

interface LiveCatalogOptions extends CatalogOptions {
  readonly log: Log;
  readonly everyMs?: number;
}

/**
 * The catalog, which is read again when CATALOG_FILE or PLANS_FILE changes, and by `reload`. All of it changes at once,
 * or nothing: what is wrong is logged, and the catalog before stays. Read its properties anew for each request.
 */
export class LiveCatalog implements Catalog {
  readonly #options: LiveCatalogOptions;
  readonly #watch: FileWatch;
  #current: Catalog;
  #regions: Catalog['regions'];

  private constructor(options: LiveCatalogOptions, first: Catalog, watch: FileWatch) {
    this.#options = options;
    this.#current = first;
    this.#regions = first.regions;
    this.#watch = watch;
  }

  /** Rejects as `loadCatalog` does. */
  static async open(options: LiveCatalogOptions): Promise<LiveCatalog> {
    const { catalogFile, plansFile, everyMs } = options;
    const files = [catalogFile, plansFile].filter((file) => file !== undefined);
    let catalog: LiveCatalog | undefined;
    const watch = await FileWatch.open({ files, everyMs, onChange: async () => catalog?.reload() });
    try {
      catalog = new LiveCatalog(options, await loadCatalog(options), watch);
      return catalog;
    } catch (error) {
      watch.close();
      throw error;
    }
  }

  get distributions(): Catalog['distributions'] {
    return this.#current.distributions;
  }

  get plans(): Catalog['plans'] {
    return this.#current.plans;
  }

  get regions(): Catalog['regions'] {
    return this.#regions;
  }

  get defaultPlan(): Catalog['defaultPlan'] {
    return this.#current.defaultPlan;
  }

  /** Offers these regions from now on. */
  offerRegions(codes: readonly string[]): void {
    this.#regions = toRegions(codes);
  }

  /** Reads the files again. Never rejects. */
  async reload(): Promise<void> {
    const { log } = this.#options;
    await this.#watch.note();
    try {
      this.#current = await loadCatalog(this.#options);
      log.info('the catalog and the plans were reloaded');
    } catch (error) {
      log.error({ err: error }, 'the catalog or the plans are invalid; keeping the previous ones');
    }
  }

  close(): void {
    this.#watch.close();
  }
}
