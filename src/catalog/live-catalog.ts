import { stat } from 'node:fs/promises';
import { setInterval } from 'node:timers';
import type { Log } from '../log.ts';
import { loadCatalog, type Catalog, type CatalogOptions } from './catalog.ts';

const CHECK_EVERY_MS = 2_000;

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
  readonly #timer: NodeJS.Timeout;
  #current: Catalog;
  /** What the files looked like when they were last read, and at the last check. */
  #read: string;
  #seen: string;
  #isChecking = false;

  private constructor(options: LiveCatalogOptions, first: Catalog, state: string) {
    this.#options = options;
    this.#current = first;
    this.#read = state;
    this.#seen = state;
    this.#timer = setInterval(() => void this.#check(), options.everyMs ?? CHECK_EVERY_MS).unref();
  }

  /** Rejects as `loadCatalog` does. */
  static async open(options: LiveCatalogOptions): Promise<LiveCatalog> {
    const state = await stateOf(options);
    return new LiveCatalog(options, await loadCatalog(options), state);
  }

  get distributions(): Catalog['distributions'] {
    return this.#current.distributions;
  }

  get plans(): Catalog['plans'] {
    return this.#current.plans;
  }

  get regions(): Catalog['regions'] {
    return this.#current.regions;
  }

  get defaultPlan(): Catalog['defaultPlan'] {
    return this.#current.defaultPlan;
  }

  /** Reads the files again. Never rejects. */
  async reload(): Promise<void> {
    const { log } = this.#options;
    this.#read = await stateOf(this.#options);
    try {
      this.#current = await loadCatalog(this.#options);
      log.info('the catalog and the plans were read again');
    } catch (error) {
      log.error({ err: error }, 'the catalog or the plans are wrong; those from before stay');
    }
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** Reads what has changed, once it stays the same for a round: a file may be written in parts. */
  async #check(): Promise<void> {
    if (this.#isChecking) return;
    this.#isChecking = true;
    try {
      const state = await stateOf(this.#options);
      const isSettled = state === this.#seen;
      this.#seen = state;
      if (isSettled && state !== this.#read) await this.reload();
    } finally {
      this.#isChecking = false;
    }
  }
}

/** Differs after each change, whether a file is written, replaced or linked to another one. */
async function stateOf({ catalogFile, plansFile }: CatalogOptions): Promise<string> {
  const states = [catalogFile, plansFile].map(async (file) => {
    if (file === undefined) return '';
    const found = await stat(file).catch(() => undefined);
    return found === undefined ? 'missing' : [found.mtimeMs, found.size, found.ino].join(' ');
  });
  return (await Promise.all(states)).join(', ');
}
