import type { Db } from '../../../db/database.ts';
import type { EngineDriver } from '../../../engine/driver.ts';
import type { EngineEvent } from '../../../engine/engine-reports.ts';
import { OutageLog } from '../../../lib/outage-log.ts';
import type { Log } from '../../../log.ts';
import { markDue } from '../../iteration/vm-lease.ts';
import { OrphanWatch } from '../../orphans/orphan-watch.ts';
import { DueMarker } from './due-marker.ts';
import { toEngineHealth, type EngineHealth } from './engine-health.ts';
import { findDrift, UP } from './find-drift.ts';
import { InventoryReader, type Expected } from './inventory-reader.ts';
import { IsolationCheck } from './isolation-check.ts';
import { knownVms, readVmSummaries } from './known-vms.ts';
import { repeat } from '../../../lib/concurrency/repeat.ts';

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

const LIST_EVERY_MS = 10_000;
const PING_EVERY_MS = 3_000;
const RECONNECT_MS = 1_000;
const CALL_DEADLINE_MS = 5_000;
const SWEEP_EVERY_MS = 30_000;
const SWEEP_DEADLINE_MS = 60_000;
/** A few milliseconds when the rules are in place; to set them up takes a second, on a slow machine many. */
const ISOLATE_DEADLINE_MS = 60_000;
const AWAY_AFTER_MS = 15_000;
const ORPHAN_GRACE_MS = 60_000;

/** Events that the reconciler did not cause itself, or whose cause it must find out. */
const DUE: ReadonlySet<EngineEvent['action']> = new Set(['exited', 'oom', 'paused', 'removed', 'disconnected']);
const GONE: ReadonlySet<EngineEvent['action']> = new Set(['exited', 'removed', 'disconnected']);

/**
 * Watches one engine and makes VMs due whose row may no longer be true.
 *
 * INVARIANTS
 * - An event makes its VM due at once. What events miss, the list finds: every 10 s and after each reconnect.
 * - When the engine stops answering, its VMs become due once, so that their rows say UNKNOWN.
 * - The isolation of VMs is checked every 10 s, and before the first VM starts.
 */
export class EngineWatch {
  readonly #db: Db;
  readonly #log: Log;
  readonly #driver: EngineDriver;
  readonly #regions: readonly string[];
  readonly #inventory: InventoryReader;
  readonly #isolation: IsolationCheck;
  readonly #orphans: OrphanWatch;
  readonly #outage: OutageLog;
  readonly #due: DueMarker;
  readonly #goneHandlers = new Set<(vmId: string, ref: string) => void>();
  readonly #closing = new AbortController();
  readonly #loops: readonly Promise<void>[];
  #answeredAt = performance.now();
  #isAway = false;

  constructor(
    { driver, regions }: WatchedEngine,
    { db, log, orphanGraceMs: graceMs = ORPHAN_GRACE_MS }: EngineWatchOptions,
  ) {
    this.#db = db;
    this.#log = log;
    this.#driver = driver;
    this.#regions = regions;
    this.#due = new DueMarker({
      mark: (vmIds) => markDue(db, vmIds),
      onError: (error) => log.debug({ err: error, regions }, 'failed to mark VMs due'),
    });
    const deadline = (): AbortSignal => this.#within(CALL_DEADLINE_MS);
    this.#inventory = new InventoryReader({ driver, regions, log, deadline, expect: () => this.#readUp() });
    this.#isolation = new IsolationCheck({ driver, regions, log });
    this.#orphans = new OrphanWatch({ driver, regions, db, log, graceMs });
    this.#outage = new OutageLog(log.child({ regions }), 'the engine');
    this.#loops = [
      this.#repeat(LIST_EVERY_MS, 'the list', () => this.#compare()),
      this.#repeat(LIST_EVERY_MS, 'isolating VMs', () => this.#isolation.run(this.#within(ISOLATE_DEADLINE_MS))),
      this.#repeat(SWEEP_EVERY_MS, 'the sweep', () => driver.sweep(this.#within(SWEEP_DEADLINE_MS))),
      this.#repeat(PING_EVERY_MS, 'the ping', () => this.#ping()),
      this.#repeat(RECONNECT_MS, 'the event stream', () => this.#followEvents().finally(() => this.#compare())),
    ];
  }

  async #followEvents(): Promise<void> {
    for await (const { id, ref, action } of this.#driver.events(this.#closing.signal)) {
      if (GONE.has(action)) for (const handle of this.#goneHandlers) handle(id, ref);
      if (DUE.has(action)) this.#due.add(id);
    }
  }

  /** Compares the engine's list with the rows. */
  async #compare(): Promise<void> {
    const inventory = await this.#inventory.read();
    this.#onAnswer();
    if (inventory === undefined) return;
    // Read after the list: a container is never older than its row.
    const ids = [...inventory.machines, ...inventory.volumes].map(({ id }) => id);
    const vms = await readVmSummaries(this.#db, this.#regions, ids);
    await markDue(this.#db, findDrift(knownVms(vms, this.#regions), inventory));
    await this.#orphans.check(inventory, new Set(vms.map(({ id }) => id)));
  }

  async #ping(): Promise<void> {
    try {
      await this.#driver.ping(this.#within(CALL_DEADLINE_MS));
      this.#onAnswer();
    } catch (error) {
      if (!this.#closing.signal.aborted && !this.isAnswering()) await this.#onAway(error);
      throw error;
    }
  }

  #onAnswer(): void {
    this.#answeredAt = performance.now();
    this.#outage.answered();
    this.#isAway = false;
  }

  async #onAway(error: unknown): Promise<void> {
    this.#outage.failed(error, this.#answeredAt);
    if (this.#isAway) return;
    this.#isAway = true;
    const vms = knownVms(await readVmSummaries(this.#db, this.#regions), this.#regions);
    const concerned = vms.filter(({ status }) => status !== 'STOPPED' && status !== 'UNKNOWN');
    const ids = concerned.map(({ id }) => id);
    await markDue(this.#db, ids);
  }

  /** The machines that should run according to their rows. */
  async #readUp(): Promise<Expected['machines']> {
    const vms = knownVms(await readVmSummaries(this.#db, this.#regions), this.#regions);
    return vms.filter(({ status }) => UP.has(status)).map(({ id, engineRef }) => ({ id, ref: engineRef }));
  }

  /** Whether the engine has answered within the last 15 s. */
  isAnswering(): boolean {
    return performance.now() - this.#answeredAt < AWAY_AFTER_MS;
  }

  health(): EngineHealth {
    return toEngineHealth(this.isAnswering(), this.#isolation.state);
  }

  /** The number of VMs that the engine has, but the database has neither as a row nor as deleted. */
  orphans(): number {
    return this.#orphans.count;
  }

  /**
   * Calls the handler when a container ended or lost its network: its address may go to another. Returns the remover.
   */
  onGone(handle: (vmId: string, ref: string) => void): () => void {
    this.#goneHandlers.add(handle);
    return () => this.#goneHandlers.delete(handle);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled(this.#loops);
    await this.#due.settled();
    await this.#orphans.close();
  }

  #within(ms: number): AbortSignal {
    return AbortSignal.any([this.#closing.signal, AbortSignal.timeout(ms)]);
  }

  #repeat(ms: number, name: string, work: () => Promise<void>): Promise<void> {
    const onError = (error: unknown): void => this.#log.debug({ err: error, regions: this.#regions }, `${name} failed`);
    return repeat(work, { signal: this.#closing.signal, pauseMs: () => ms, onError });
  }
}
