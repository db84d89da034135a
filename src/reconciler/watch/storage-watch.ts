import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import type { Catalog } from '../../catalog/catalog.ts';
import { isDatabaseUnavailable, type Db } from '../../db/database.ts';
import type { DiskSpace, EngineDriver } from '../../engine/driver.ts';
import type { MachineStorage } from '../../engine/machine.ts';
import { EngineError } from '../../engine/engine-error.ts';
import { isPastWatermark, type DiskWatermark } from '../../config/disk-watermark.ts';
import type { Log } from '../../log.ts';
import { markDue } from '../iteration/vm-lease.ts';
import { isPastScratch } from '../plan/scratch-limit.ts';
import type { WatchedEngine } from './engine-watch.ts';

export interface StorageWatch {
  /** Whether the engine's disk has room for another container. Waits for the first reading, later answers at once. */
  hasRoom(): Promise<boolean>;
  /** As last read; false before. */
  isFull(): boolean;
  close(): Promise<void>;
}

interface StorageWatchDependencies {
  readonly db: Db;
  readonly catalog: Catalog;
  readonly log: Log;
  readonly watermark: DiskWatermark;
}

const EVERY_MS = 60_000;
/** A disk that is full is looked at more often: whoever waits for room should not wait for us. */
const FULL_EVERY_MS = 10_000;
const NO_SPACE: DiskSpace = { usedBytes: Infinity, freeBytes: 0 };
const MEASURE_DEADLINE_MS = 150_000;
const DISK_DEADLINE_MS = 10_000;

/** Measures an engine's disk and what each VM holds of it, about every minute. Gateways that do so at once do no harm. */
export function watchStorage({ driver, regions }: WatchedEngine, deps: StorageWatchDependencies): StorageWatch {
  const { db, catalog, log, watermark } = deps;
  const closing = new AbortController();
  const { signal } = closing;
  const within = (ms: number): AbortSignal => AbortSignal.any([signal, AbortSignal.timeout(ms)]);
  // Until something else is known: an engine whose host cannot be asked would otherwise start nothing.
  let isFull = false;
  const { promise: firstReading, resolve: noteReading } = Promise.withResolvers<void>();
  const asked = new AbortController();

  const readDisk = async (): Promise<void> => {
    const space = await readSpace(driver, within(DISK_DEADLINE_MS));
    const wasFull = isFull;
    isFull = space !== undefined && isPastWatermark(space, watermark);
    if (isFull && !wasFull) log.error({ regions, ...inGb(space) }, 'the disk of the engine is full: nothing new is started on it');
    if (wasFull && !isFull) log.info({ regions, ...inGb(space) }, 'the disk of the engine has room again');
  };

  const measure = async (): Promise<void> => {
    if (!(await hasVms(db, regions))) return;
    const machines = await driver.measureStorage(within(MEASURE_DEADLINE_MS));
    const changed = await store(db, machines);
    await markDue(
      db,
      changed.filter((vm) => isPastScratch(catalog.distributions.get(vm.distribution), vm.scratchBytes)).map(({ id }) => id),
    );
  };

  const every = async (work: () => Promise<void>, what: string, pauseMs: () => number): Promise<void> => {
    while (!signal.aborted) {
      await work().catch((error: unknown) => {
        if (!signal.aborted && !isDatabaseUnavailable(error)) log.warn({ err: error, regions }, `${what} failed; it is tried again`);
      });
      await delay(pauseMs(), undefined, { signal }).catch(() => undefined);
    }
  };

  // An engine that nothing was ever ordered on is left alone.
  const untilAsked = async (): Promise<void> => {
    if (await hasVms(db, regions).catch(() => true)) return;
    const either = AbortSignal.any([signal, asked.signal]);
    if (!either.aborted) await once(either, 'abort');
  };
  const watchDisk = async (): Promise<void> => {
    await untilAsked();
    await every(
      () => readDisk().finally(noteReading),
      "reading the engine's disk",
      () => (isFull ? FULL_EVERY_MS : EVERY_MS),
    );
    noteReading();
  };

  const running = [watchDisk(), every(measure, 'measuring what VMs hold', () => EVERY_MS)];
  return {
    async hasRoom() {
      asked.abort();
      await firstReading;
      return !isFull;
    },
    isFull: () => isFull,
    async close() {
      closing.abort();
      await Promise.allSettled(running);
    },
  };
}

/** An engine that has not even room for the reading says that it is full, too. */
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

/** Writes what is new of it; the VMs that it is of. The scratch of a container that was replaced meanwhile says nothing of the new one. */
async function store(db: Db, machines: ReadonlyMap<string, MachineStorage>) {
  const rows = [...machines].map(([id, { lastingBytes, scratchBytes, ref }]) => ({ id, lastingBytes, scratchBytes, ref: ref ?? null }));
  if (rows.length === 0) return [];
  const { rows: changed } = await sql<{ id: string; distribution: string; scratch_bytes: number }>`
    update vm set
      storage_bytes = measured.lasting,
      scratch_bytes = case when vm.engine_ref is not distinct from measured.ref then measured.scratch else vm.scratch_bytes end
    from unnest(
      ${rows.map(({ id }) => id)}::uuid[],
      ${rows.map(({ lastingBytes }) => lastingBytes)}::bigint[],
      ${rows.map(({ scratchBytes }) => scratchBytes)}::bigint[],
      ${rows.map(({ ref }) => ref)}::text[]
    ) as measured (id, lasting, scratch, ref)
    where vm.id = measured.id and (vm.storage_bytes <> measured.lasting or vm.scratch_bytes <> measured.scratch)
    returning vm.id, vm.distribution, vm.scratch_bytes
  `.execute(db);
  return changed.map(({ id, distribution, scratch_bytes }) => ({ id, distribution, scratchBytes: scratch_bytes }));
}

function inGb(space: DiskSpace | undefined): object {
  const rounded = (bytes: number) => Math.round(bytes / 2 ** 20) / 1024;
  return space === undefined ? {} : { usedGb: rounded(space.usedBytes), freeGb: rounded(space.freeBytes) };
}
