import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import type { Db } from '../db/database.ts';
import type { EngineDriver, EngineEvent, Inventory } from '../engine/driver.ts';
import type { Log } from '../log.ts';
import { markDue } from '../vm/vm-lease.ts';
import { isVmStatus } from '../vm/vm-status.ts';
import { toEngineHealth, toWalls, type EngineHealth, type Walls } from './engine-health.ts';
import { findDrift, judgeOrphans, type KnownVm } from './find-drift.ts';

/** One engine, and the regions that it serves. */
export interface WatchedEngine {
  readonly driver: EngineDriver;
  readonly regions: readonly string[];
}

export interface EngineWatch {
  /** Whether the engine has answered within the last 15 s. */
  isAnswering(): boolean;
  /** Told of each VM whose container ended, or lost its network, as soon as the engine says so: its address may be another's next. */
  onGone(handle: (vmId: string, ref: string) => void): () => void;
  health(): EngineHealth;
  close(): Promise<void>;
}

const LIST_EVERY_MS = 10_000;
const PING_EVERY_MS = 3_000;
const CALL_DEADLINE_MS = 5_000;
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
export function watchEngine({ driver, regions }: WatchedEngine, { db, log }: { db: Db; log: Log }): EngineWatch {
  const closing = new AbortController();
  const { signal } = closing;
  const orphanSince = new Map<string, number>();
  const onGone = new Set<(vmId: string, ref: string) => void>();
  let answeredAt = performance.now();
  let away = false;
  let held = '';
  let walls: Walls;

  const deadline = (): AbortSignal => AbortSignal.any([signal, AbortSignal.timeout(CALL_DEADLINE_MS)]);
  const answered = (): void => {
    answeredAt = performance.now();
    if (away) log.info({ regions }, 'the engine answers again');
    away = false;
  };

  const compare = async (): Promise<void> => {
    const inventory = await driver.list(deadline());
    answered();
    const vms = await readVms(db);
    await markDue(
      db,
      findDrift(
        vms.filter(({ region }) => regions.includes(region)),
        inventory,
      ),
    );
    await sweepOrphans(inventory, new Set(vms.map(({ id }) => id)));
  };

  const sweepOrphans = async (inventory: Inventory, known: ReadonlySet<string>): Promise<void> => {
    const without = new Set([...inventory.machines, ...inventory.volumes].map(({ id }) => id).filter((id) => !known.has(id)));
    for (const id of orphanSince.keys()) if (!without.has(id)) orphanSince.delete(id);
    for (const id of without) if (!orphanSince.has(id)) orphanSince.set(id, Date.now());
    const orphans = [...without].filter((id) => Date.now() - (orphanSince.get(id) ?? 0) >= ORPHAN_GRACE_MS);
    if (orphans.length === 0) return;
    const verdict = judgeOrphans({ orphans, inventory, newestNumber: await readNewestNumber(db) });
    if ('hold' in verdict) {
      if (held !== verdict.hold) log.error({ orphans }, `Nothing is removed. ${verdict.hold}`);
      held = verdict.hold;
      return;
    }
    for (const vmId of verdict.remove) {
      await driver.remove(vmId, ['until-stop', 'until-delete'], AbortSignal.any([signal, AbortSignal.timeout(60_000)]));
      log.warn({ vmId }, 'removed a machine without a row');
    }
  };

  const markAllDue = async (): Promise<void> => {
    const vms = await readVms(db);
    const concerned = vms.filter(({ region, status }) => regions.includes(region) && status !== 'STOPPED' && status !== 'UNKNOWN');
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
    every(PING_EVERY_MS, () => driver.ping(deadline()).then(answered).finally(checkAway), 'the ping'),
    every(1_000, () => followEvents().finally(compare), 'the event stream'),
  ];
  const isAnswering = (): boolean => performance.now() - answeredAt < AWAY_AFTER_MS;
  return {
    isAnswering,
    health: () => toEngineHealth(isAnswering(), walls),
    onGone(handle) {
      onGone.add(handle);
      return () => onGone.delete(handle);
    },
    async close() {
      closing.abort();
      await Promise.allSettled(running);
    },
  };
}

async function readVms(db: Db): Promise<(KnownVm & { region: string })[]> {
  const rows = await db.selectFrom('vm').select(['id', 'region', 'status', 'engine_ref', 'address']).execute();
  return rows.flatMap(({ id, region, status, engine_ref, address }) =>
    isVmStatus(status) ? [{ id, region, status, engineRef: engine_ref, address }] : [],
  );
}

/** The highest number ever given out, also to VMs that are gone or whose creation was rolled back. */
async function readNewestNumber(db: Db): Promise<number> {
  const { rows } = await sql<{ newest: number | null }>`
    select pg_sequence_last_value(pg_get_serial_sequence('vm', 'number')::regclass) as newest
  `.execute(db);
  return rows[0]?.newest ?? 0;
}
