import { setInterval } from 'node:timers';
import { isDatabaseUnavailable } from '../../db/database-errors.ts';
import type { Db } from '../../db/database.ts';
import type { Listener } from '../../db/listen.ts';
import type { Log } from '../../log.ts';
import { listDrains, type RegionDrain } from './region-drain.ts';

/** For a lost notification. */
const READ_EVERY_MS = 10_000;

interface RegionDrainsOptions {
  readonly db: Db;
  readonly listener: Pick<Listener, 'on' | 'onResync'>;
  readonly log: Log;
}

/** The drained regions as this gateway last read them. Starts do not ask it: they read the database. */
export class RegionDrains {
  readonly #options: RegionDrainsOptions;
  readonly #unlisten: readonly (() => void)[];
  readonly #timer: NodeJS.Timeout;
  #drains: readonly RegionDrain[] = [];
  /** When this gateway found them as they are now, in ms since 1970. */
  changedAt = 0;
  #reading: Promise<void> | undefined;
  #isClosed = false;

  private constructor(options: RegionDrainsOptions) {
    this.#options = options;
    const { listener } = options;
    this.#unlisten = [
      listener.on('region_drain', () => void this.#refresh()),
      listener.onResync(() => void this.#refresh()),
    ];
    this.#timer = setInterval(() => void this.#refresh(), READ_EVERY_MS).unref();
  }

  static async open(options: RegionDrainsOptions): Promise<RegionDrains> {
    const drains = new RegionDrains(options);
    await drains.#refresh();
    return drains;
  }

  find(region: string): RegionDrain | undefined {
    return this.#drains.find((each) => each.region === region);
  }

  /** Resolves once a read that began after this call has ended. Never rejects. */
  async reread(): Promise<void> {
    await this.#reading;
    await this.#refresh();
  }

  /** One read at a time. */
  #refresh(): Promise<void> {
    this.#reading ??= this.#read().finally(() => (this.#reading = undefined));
    return this.#reading;
  }

  async #read(): Promise<void> {
    const { db, log } = this.#options;
    try {
      const drains = await listDrains(db);
      if (JSON.stringify(drains) !== JSON.stringify(this.#drains)) this.changedAt = Date.now();
      this.#drains = drains;
    } catch (error) {
      if (!this.#isClosed && !isDatabaseUnavailable(error))
        log.warn({ err: error }, 'failed to read the drained regions; trying again');
    }
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#timer);
    for (const stop of this.#unlisten) stop();
  }
}
