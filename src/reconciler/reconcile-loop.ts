import { setTimeout as delay } from 'node:timers/promises';
import { isDatabaseUnavailable } from '../db/database-errors.ts';
import type { Listener } from '../db/listen.ts';
import { AppWatch } from './answer/app-watch.ts';
import { Setbacks } from './failure/setbacks.ts';
import { HeldLease } from './iteration/held-lease.ts';
import type { Released } from './iteration/release-leases.ts';
import { MAX_VMS, roomLeft } from './iteration/room-left.ts';
import { shareStatements, type SharedStatements } from './iteration/shared-statements.ts';
import { claimDue, heartbeat, LEASE_SECONDS, type Duty, type Room } from './iteration/vm-lease.ts';
import { reconcileVm, type ReconcileDependencies, type ReconcileResult } from './reconcile-vm.ts';

interface LoopOptions extends Omit<ReconcileDependencies, 'setbacks' | 'statements'> {
  readonly listener: Listener;
  /** Identifies this gateway in leases; globally unique. */
  readonly owner: string;
  /** The codes of the regions, as they are now. */
  readonly regions: () => readonly string[];
  /** Between an answer of an app that is up and the next question; 5 s. */
  readonly checkEveryMs?: number;
}

const POLL_MS = 1_000;
const HEARTBEAT_MS = (LEASE_SECONDS * 1_000) / 3;
const HEARTBEAT_RETRY_MS = 500;
/** A watched VM is due after this time even if its watcher does not say so, which it does before. */
const WATCHED_FOR_SECONDS = 1_800;
const DUTIES = ['work', 'look'] as const satisfies readonly Duty[];
/** Each claim reads all that are due. One that left some is repeated when so much of the room is free again. */
const CLAIM_SHARE = 1 / 8;

/**
 * Claims VMs that are due and reconciles each: `#claim` → `#reconcile` → `reconcileVm` → `performStep`.
 *
 * INVARIANTS
 * - Nothing is done about a VM without its lease.
 * - A notification of a due VM is a hint: a lost one delays the VM by `POLL_MS`.
 * - A heartbeat extends the leases and reads what changed, so an iteration learns of a new desire within `HEARTBEAT_MS`
 *   even if the notification is lost.
 * - A VM that runs and needs nothing is watched instead, without a lease (`AppWatch`).
 * - A reconciliation that throws keeps its lease until it expires: it is not tried again at once.
 */
export class ReconcileLoop {
  readonly #options: LoopOptions;
  readonly #dependencies: ReconcileDependencies;
  readonly #statements: SharedStatements;
  readonly #held = new Map<string, HeldLease>();
  readonly #reconciliations = new Set<Promise<void>>();
  readonly #apps: AppWatch;
  readonly #unlisten: readonly (() => void)[];
  readonly #loops: readonly Promise<void>[];
  readonly #closing = new AbortController();
  #wake = new AbortController();
  /** For which the last claim may have left VMs that are due, for want of room. */
  #full: readonly Duty[] = [];
  #claimedAt = performance.now();
  #heartbeatAt = performance.now();

  constructor(options: LoopOptions) {
    this.#options = options;
    const { db, owner, listener } = options;
    this.#statements = shareStatements(db, owner);
    this.#dependencies = { ...options, statements: this.#statements, setbacks: new Setbacks() };
    this.#apps = new AppWatch(options);
    this.#unlisten = [listener.on('vm_due', (vmId) => this.#onDue(vmId)), listener.onResync(() => this.#wake.abort())];
    this.#loops = [this.#claimRepeatedly(), this.#sendHeartbeats()];
  }

  /** When due VMs were last claimed successfully, by performance.now(). */
  get claimedAt(): number {
    return this.#claimedAt;
  }

  /** The number of VMs that this gateway works on. */
  get size(): number {
    return this.#held.size;
  }

  /** The number of VMs that run, and whose apps this gateway asks. */
  get watched(): number {
    return this.#apps.size;
  }

  /** When leases were last extended successfully, by performance.now(). */
  get heartbeatAt(): number {
    return this.#heartbeatAt;
  }

  async #claimRepeatedly(): Promise<void> {
    const closing = this.#closing.signal;
    while (!closing.aborted) {
      this.#wake = new AbortController();
      await this.#claim().catch((error: unknown) => this.#report(error, 'failed to claim due VMs; trying again'));
      await pause(POLL_MS, AbortSignal.any([closing, this.#wake.signal]));
    }
  }

  async #claim(): Promise<void> {
    const { db, owner, regions } = this.#options;
    const room = this.#room;
    const leases = room.work + room.look === 0 ? [] : await claimDue(db, owner, regions(), room);
    const claimed = Map.groupBy(leases, ({ duty }) => duty);
    this.#full = DUTIES.filter((duty) => (claimed.get(duty)?.length ?? 0) === room[duty]);
    this.#claimedAt = performance.now();
    for (const lease of leases) {
      const taken = new HeldLease(lease, this.#closing.signal);
      this.#held.set(lease.vmId, taken);
      const reconciliation = this.#reconcile(taken);
      this.#reconciliations.add(reconciliation);
      void reconciliation.then(() => this.#reconciliations.delete(reconciliation));
    }
  }

  get #room(): Room {
    return roomLeft([...this.#held.values()].map(({ duty }) => duty));
  }

  /** A VM that was only looked at, and needs more, is left to whoever claims it next if there is no room for it. */
  #mayWork(held: HeldLease): boolean {
    if (this.#room.work > 0) held.duty = 'work';
    return held.duty === 'work';
  }

  async #reconcile(held: HeldLease): Promise<void> {
    const { lease } = held;
    let released: Released | undefined;
    try {
      const result = await reconcileVm(
        this.#dependencies,
        lease,
        { beginIteration: (state) => held.beginIteration(state), mayWork: () => this.#mayWork(held) },
        this.#closing.signal,
      );
      if (result !== undefined) released = await this.#release(lease.vmId, result);
    } catch (error) {
      this.#report(error, 'a reconciliation failed', { vmId: lease.vmId });
    } finally {
      held.clearFence();
      this.#held.delete(lease.vmId);
      const room = this.#room;
      if (released === 'due' || this.#full.some((duty) => room[duty] >= MAX_VMS[duty] * CLAIM_SHARE))
        this.#wake.abort();
    }
  }

  async #release(vmId: string, { seen, nextInSeconds, app }: ReconcileResult): Promise<Released | undefined> {
    const { releases } = this.#statements;
    if (app === undefined) return releases.call({ seen, nextInSeconds });
    const watch = { forSeconds: WATCHED_FOR_SECONDS, sameAt: app.askedAt };
    return this.#apps.begin(vmId, app, () => releases.call({ seen, nextInSeconds, watch }));
  }

  async #sendHeartbeats(): Promise<void> {
    let isSent = true;
    while (!this.#closing.signal.aborted) {
      await pause(isSent ? HEARTBEAT_MS : HEARTBEAT_RETRY_MS, this.#closing.signal);
      isSent = await this.#heartbeat([...this.#held.keys()]);
    }
  }

  async #heartbeat(vmIds: readonly string[]): Promise<boolean> {
    try {
      const states = vmIds.length === 0 ? [] : await heartbeat(this.#options.db, this.#options.owner, vmIds);
      const byVm = new Map(states.map((state) => [state.vmId, state]));
      for (const vmId of vmIds) this.#held.get(vmId)?.onHeartbeat(byVm.get(vmId));
      this.#heartbeatAt = performance.now();
      return true;
    } catch (error) {
      this.#report(error, 'a heartbeat failed');
      return false;
    }
  }

  #onDue(vmId: string): void {
    this.#wake.abort();
    if (this.#held.has(vmId)) void this.#hear(vmId);
  }

  /** What the notification was about. */
  async #hear(vmId: string): Promise<void> {
    try {
      const state = await this.#statements.heartbeats.call(vmId);
      this.#held.get(vmId)?.onHeartbeat(state);
    } catch (error) {
      this.#report(error, 'a heartbeat failed');
    }
  }

  /** Stops claiming, interrupts every iteration and releases every lease: another gateway can continue at once. */
  async close(): Promise<void> {
    for (const stop of this.#unlisten) stop();
    this.#closing.abort();
    await Promise.all(this.#loops);
    await Promise.all(this.#reconciliations);
    await this.#apps.close();
  }

  /** Skips database outages: they are logged where they are noticed. */
  #report(error: unknown, message: string, details: object = {}): void {
    if (!isDatabaseUnavailable(error)) this.#options.log.error({ err: error, ...details }, message);
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined);
}
