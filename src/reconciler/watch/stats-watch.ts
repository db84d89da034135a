import type { Db } from '../../db/database.ts';
import { isDatabaseUnavailable } from '../../db/database-errors.ts';
import type { EngineDriver } from '../../engine/driver.ts';
import type { MachineStats } from '../../engine/machine.ts';
import type { Log } from '../../log.ts';
import { listUnmeasured, STATS_EVERY_SECONDS, storeStats } from '../../vm/telemetry/stats-history.ts';
import type { WatchedEngine } from './engine/engine-watch.ts';
import { repeat } from '../../lib/concurrency/repeat.ts';

interface StatsWatchOptions {
  readonly db: Db;
  readonly log: Log;
  /** Between two measurements of a VM; 15 s. */
  readonly everyMs?: number;
}

/** A measurement takes the engine a second or two. */
const READ_DEADLINE_MS = 10_000;
const AT_ONCE = 16;

/** Measures what each running VM of an engine uses, every 15 s, for `Vm.statsHistory`. Gateways share the work. */
export class StatsWatch {
  readonly #driver: EngineDriver;
  readonly #regions: readonly string[];
  readonly #options: StatsWatchOptions;
  readonly #closing = new AbortController();
  readonly #loop: Promise<void>;

  constructor({ driver, regions }: WatchedEngine, options: StatsWatchOptions) {
    this.#driver = driver;
    this.#regions = regions;
    this.#options = options;
    const { log, everyMs = STATS_EVERY_SECONDS * 1_000 } = options;
    this.#loop = repeat(() => this.#measure(), {
      signal: this.#closing.signal,
      pauseMs: () => everyMs,
      onError: (error) => {
        if (!isDatabaseUnavailable(error)) log.warn({ err: error, regions }, 'failed to measure what VMs use');
      },
    });
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#loop;
  }

  async #measure(): Promise<void> {
    const { db } = this.#options;
    const measured = new Map<string, MachineStats>();
    const due = (await listUnmeasured(db, this.#regions)).values();
    const work = async (): Promise<void> => {
      for (const id of due) {
        const stats = await this.#read(id);
        if (stats !== undefined) measured.set(id, stats);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    await storeStats(db, measured);
  }

  /** One that cannot be measured, because it ends now, costs the others nothing. */
  async #read(id: string): Promise<MachineStats | undefined> {
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(READ_DEADLINE_MS)]);
    try {
      for await (const stats of this.#driver.stats(id, signal)) return stats;
    } catch (error) {
      this.#options.log.debug({ err: error, vmId: id }, 'failed to measure a VM');
    }
    return undefined;
  }
}
