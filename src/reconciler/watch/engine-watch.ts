import { setTimeout as delay } from 'node:timers/promises';
import type { Db } from '../../db/database.ts';
import type { EngineDriver, EngineEvent } from '../../engine/driver.ts';
import type { Log } from '../../log.ts';
import { markDue } from '../iteration/vm-lease.ts';
import { isVmStatus } from '../../vm/vm-status.ts';
import { createBelievedList, type Expected } from './believed-list.ts';
import { toEngineHealth, toWalls, type EngineHealth, type Walls } from './engine-health.ts';
import { findDrift, UP, type KnownVm } from './find-drift.ts';
import { watchOrphans } from '../orphans/orphan-watch.ts';

/** One engine, and the regions that it serves. */
export interface WatchedEngine {
  readonly driver: EngineDriver;
  readonly regions: readonly string[];
}

export interface EngineWatchOptions {
  readonly db: Db;
  readonly log: Log;
  /** How long a container or volume is without a row before it counts as an orphan; 60 s. */
  readonly orphanGraceMs?: number;
}

export interface EngineWatch {
  /** Whether the engine has answered within the last 15 s. */
  isAnswering(): boolean;
  /** Told of each VM whose container ended, or lost its network, as soon as the engine says so: its address may be another's next. */
  onGone(handle: (vmId: string, ref: string) => void): () => void;
  health(): EngineHealth;
  /** How many VMs the engine has that are not in the database, and that were not deleted. */
  orphans(): number;
  close(): Promise<void>;
}

const LIST_EVERY_MS = 10_000;
const PING_EVERY_MS = 3_000;
const CALL_DEADLINE_MS = 5_000;
const SWEEP_EVERY_MS = 30_000;
const SWEEP_DEADLINE_MS = 60_000;
/** A second when the walls have to be put up, on a slow machine many; a few milliseconds else. */
const ISOLATE_DEADLINE_MS = 60_000;
const AWAY_AFTER_MS = 15_000;
const ORPHAN_GRACE_MS = 60_000;

/** Events that tell of something that the reconciler did not do itself, or whose cause it must look into. */
const TELLING: ReadonlySet<EngineEvent['action']> = new Set(['exited', 'oom', 'paused', 'removed', 'disconnected']);
const GONE: ReadonlySet<EngineEvent['action']> = new Set(['exited', 'removed', 'disconnected']);

/**
 * Watches an engine: events mark a VM due at once, and a full list every 10 s, and after each reconnect, finds whatever
 * they did not tell. As often it sees to the walls around VMs, first of all before any VM starts. An engine that does not answer marks its VMs due too, so that nothing false is said of them.
 */
export function watchEngine({ driver, regions }: WatchedEngine, options: EngineWatchOptions): EngineWatch {
  const { db, log, orphanGraceMs: graceMs = ORPHAN_GRACE_MS } = options;
  const closing = new AbortController();
  const { signal } = closing;
  const onGone = new Set<(vmId: string, ref: string) => void>();
  let answeredAt = performance.now();
  let away = false;
  let walls: Walls;
  const orphans = watchOrphans({ driver, regions, db, log, graceMs });

  const deadline = (): AbortSignal => AbortSignal.any([signal, AbortSignal.timeout(CALL_DEADLINE_MS)]);
  const answered = (): void => {
    answeredAt = performance.now();
    if (away) log.info({ regions }, 'the engine answers again');
    away = false;
  };

  const readList = createBelievedList({ driver, regions, log, deadline, expect: () => readUp(db, regions) });

  const compare = async (): Promise<void> => {
    const list = await readList();
    answered();
    if (list === undefined) return;
    const rows = await readRows(db);
    await markDue(db, findDrift(readable(rows, regions), list));
    await orphans.look(list, new Set(rows.map(({ id }) => id)));
  };

  const markAllDue = async (): Promise<void> => {
    const vms = readable(await readRows(db), regions);
    const concerned = vms.filter(({ status }) => status !== 'STOPPED' && status !== 'UNKNOWN');
    await markDue(
      db,
      concerned.map(({ id }) => id),
    );
  };

  const checkAway = async (): Promise<void> => {
    if (performance.now() - answeredAt < AWAY_AFTER_MS || away) return;
    away = true;
    log.error({ regions }, 'the engine has not answered for 15 s');
    await markAllDue();
  };

  const isolate = async (): Promise<void> => {
    const before = toEngineHealth(true, walls);
    try {
      walls = await driver.isolate(AbortSignal.any([signal, AbortSignal.timeout(ISOLATE_DEADLINE_MS)]));
    } catch (error) {
      walls = toWalls(error, walls);
    }
    const { summary, canStart } = toEngineHealth(true, walls);
    if (summary === before.summary) return;
    if (summary === 'ok') log.info({ regions }, 'VMs are walled off again');
    else log.error({ regions, canStart }, `Engine ${regions.join(', ')}: ${summary}`);
  };

  const every = async (ms: number, work: () => Promise<void>, what: string): Promise<void> => {
    while (!signal.aborted) {
      await work().catch((error: unknown) => {
        if (!signal.aborted) log.debug({ err: error, regions }, `${what} failed`);
      });
      await delay(ms, undefined, { signal }).catch(() => undefined);
    }
  };

  const followEvents = async (): Promise<void> => {
    for await (const { id, ref, action } of driver.events(signal)) {
      if (GONE.has(action)) for (const handle of onGone) handle(id, ref);
      if (TELLING.has(action)) await markDue(db, [id]);
    }
  };

  const running = [
    every(LIST_EVERY_MS, compare, 'the list'),
    every(LIST_EVERY_MS, isolate, 'walling VMs off'),
    every(SWEEP_EVERY_MS, () => driver.sweep(AbortSignal.any([signal, AbortSignal.timeout(SWEEP_DEADLINE_MS)])), 'the sweep'),
    every(PING_EVERY_MS, () => driver.ping(deadline()).then(answered).finally(checkAway), 'the ping'),
    every(1_000, () => followEvents().finally(compare), 'the event stream'),
  ];
  const isAnswering = (): boolean => performance.now() - answeredAt < AWAY_AFTER_MS;
  return {
    isAnswering,
    health: () => toEngineHealth(isAnswering(), walls),
    orphans: orphans.count,
    onGone(handle) {
      onGone.add(handle);
      return () => onGone.delete(handle);
    },
    async close() {
      closing.abort();
      await Promise.allSettled(running);
      await orphans.close();
    },
  };
}

interface Row extends Omit<KnownVm, 'status'> {
  readonly region: string;
  readonly status: string;
}

async function readRows(db: Db): Promise<Row[]> {
  const rows = await db.selectFrom('vm').select(['id', 'region', 'status', 'engine_ref', 'address']).execute();
  return rows.map(({ engine_ref: engineRef, ...row }) => ({ ...row, engineRef }));
}

/** Those of the regions whose status this version knows: the others are for the gateway that wrote it. */
function readable(rows: readonly Row[], regions: readonly string[]): KnownVm[] {
  return rows.flatMap(({ region, status, ...row }) => (regions.includes(region) && isVmStatus(status) ? [{ ...row, status }] : []));
}

/** The VMs that the rows say have a container. */
async function readUp(db: Db, regions: readonly string[]): Promise<Expected['machines']> {
  const up = readable(await readRows(db), regions).filter(({ status }) => UP.has(status));
  return up.map(({ id, engineRef }) => ({ id, ref: engineRef }));
}
