import { once } from 'node:events';
import type { Catalog } from '../../catalog/catalog.ts';
import type { Db } from '../../db/database.ts';
import { isDatabaseUnavailable } from '../../db/database-errors.ts';
import type { EngineDriver } from '../../engine/driver.ts';
import type { DiskSpace } from '../../engine/engine-reports.ts';
import { EngineError } from '../../engine/engine-error.ts';
import { isPastWatermark, type DiskWatermark } from '../../config/disk-watermark.ts';
import type { Log } from '../../log.ts';
import { markDue } from '../iteration/vm-lease.ts';
import { isPastScratch } from '../plan/scratch-limit.ts';
import type { WatchedEngine } from './engine/engine-watch.ts';
import { repeat } from '../../lib/concurrency/repeat.ts';
import { storeMeasurements } from './store-measurements.ts';

export interface StorageWatchOptions {
  readonly db: Db;
  readonly catalog: Catalog;
  readonly log: Log;
  readonly watermark: DiskWatermark;
}

const EVERY_MS = 60_000;
/** Shorter while the disk is full: VMs are waiting for space. */
const FULL_EVERY_MS = 10_000;
const NO_SPACE: DiskSpace = { usedBytes: Infinity, freeBytes: 0 };
const MEASURE_DEADLINE_MS = 150_000;
const DISK_DEADLINE_MS = 10_000;

/** Measures an engine's disk, and what each VM holds on it, about every minute. Several gateways may do so at once. */
export class StorageWatch {
  readonly #driver: EngineDriver;
  readonly #regions: readonly string[];
  readonly #options: StorageWatchOptions;
  readonly #closing = new AbortController();
  /** Aborts at the first question: until then, an engine without VMs is left alone. */
  readonly #needed = new AbortController();
  readonly #firstReading = Promise.withResolvers<void>();
  readonly #loops: readonly Promise<void>[];
  /** False until a reading says otherwise: an engine whose host cannot be measured would start nothing. */
  #isFull = false;
  #space: DiskSpace | undefined;

  constructor({ driver, regions }: WatchedEngine, options: StorageWatchOptions) {
    this.#driver = driver;
    this.#regions = regions;
    this.#options = options;
    this.#loops = [
      this.#watchDisk(),
      this.#repeat(
        'measuring what VMs hold',
        () => EVERY_MS,
        () => this.#measureVms(),
      ),
    ];
  }

  /** Whether the engine's disk has room for another container. Waits for the first reading. */
  async hasRoom(): Promise<boolean> {
    this.#needed.abort();
    await this.#firstReading.promise;
    return !this.#isFull;
  }

  /** As last read; undefined before, and where it cannot be read. */
  get space(): DiskSpace | undefined {
    return this.#space;
  }

  /** As last read; false before. */
  get isFull(): boolean {
    return this.#isFull;
  }

  async #watchDisk(): Promise<void> {
    const { db } = this.#options;
    if (!(await hasVms(db, this.#regions).catch(() => true))) {
      const either = AbortSignal.any([this.#closing.signal, this.#needed.signal]);
      if (!either.aborted) await once(either, 'abort');
    }
    const pauseMs = (): number => (this.#isFull ? FULL_EVERY_MS : EVERY_MS);
    await this.#repeat("reading the engine's disk", pauseMs, () =>
      this.#readDisk().finally(this.#firstReading.resolve),
    );
    this.#firstReading.resolve();
  }

  async #readDisk(): Promise<void> {
    const { log, watermark } = this.#options;
    const space = await readSpace(this.#driver, this.#within(DISK_DEADLINE_MS));
    this.#space = space;
    const wasFull = this.#isFull;
    this.#isFull = space !== undefined && isPastWatermark(space, watermark);
    const details = { regions: this.#regions, ...inGb(space) };
    if (this.#isFull && !wasFull) log.error(details, 'the disk of the engine is full: nothing new is started on it');
    if (wasFull && !this.#isFull) log.info(details, 'the disk of the engine has room again');
  }

  async #measureVms(): Promise<void> {
    const { db, catalog } = this.#options;
    if (!(await hasVms(db, this.#regions))) return;
    const machines = await this.#driver.measureStorage(this.#within(MEASURE_DEADLINE_MS));
    const changed = await storeMeasurements(db, machines);
    const past = changed.filter((vm) => isPastScratch(catalog.distributions.get(vm.distribution), vm.scratchBytes));
    await markDue(
      db,
      past.map(({ id }) => id),
    );
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled(this.#loops);
  }

  #within(ms: number): AbortSignal {
    return AbortSignal.any([this.#closing.signal, AbortSignal.timeout(ms)]);
  }

  #repeat(name: string, pauseMs: () => number, work: () => Promise<void>): Promise<void> {
    const onError = (error: unknown): void => {
      if (isDatabaseUnavailable(error)) return;
      this.#options.log.warn({ err: error, regions: this.#regions }, `${name} failed; trying again`);
    };
    return repeat(work, { signal: this.#closing.signal, pauseMs, onError });
  }
}

/** An engine that is too full for the measurement itself is full. */
async function readSpace(driver: EngineDriver, signal: AbortSignal): Promise<DiskSpace | undefined> {
  try {
    return await driver.diskSpace(signal);
  } catch (error) {
    if (error instanceof EngineError && error.code === 'NO_SPACE') return NO_SPACE;
    throw error;
  }
}

async function hasVms(db: Db, regions: readonly string[]): Promise<boolean> {
  const row = await db
    .selectFrom('vm')
    .select('id')
    .where('region', 'in', [...regions])
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

function inGb(space: DiskSpace | undefined): object {
  const rounded = (bytes: number) => Math.round(bytes / 2 ** 20) / 1024;
  return space === undefined
    ? {}
    : {
        usedGb: rounded(space.usedBytes),
        freeGb: rounded(space.freeBytes),
        ...(space.files && { freeFiles: space.files.free }),
      };
}
