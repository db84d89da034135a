import { setTimeout as delay } from 'node:timers/promises';
import { isDatabaseUnavailable } from '../db/database.ts';
import type { Listener } from '../db/listen.ts';
import { claimDue, heartbeat, releaseLease, LEASE_SECONDS, type Lease, type LeaseState } from './pass/vm-lease.ts';
import { reconcileVm, type ReconcileDependencies, type Round } from './reconcile-vm.ts';
import { createSetbacks } from './failure/setbacks.ts';

export interface ReconcileLoop {
  /** When due VMs were last claimed, and when the leases were last extended, both with success, by performance.now(). */
  claimedAt(): number;
  beatenAt(): number;
  /** Stops claiming, cuts every pass short, gives every lease back: another gateway goes on at once. */
  close(): Promise<void>;
}

interface LoopOptions extends Omit<ReconcileDependencies, 'setbacks'> {
  readonly listener: Listener;
  /** Unique in the world: leases carry it. */
  readonly owner: string;
  readonly regions: readonly string[];
}

/** A VM that this gateway works on. */
interface Held {
  readonly lease: Lease;
  seen: LeaseState | undefined;
  heldUntil: number;
  /** Ends the step at hand when the lease may run out. */
  fence: NodeJS.Timeout | undefined;
  moved: AbortController;
  hint: AbortController;
}

const POLL_MS = 1_000;
const HEARTBEAT_MS = (LEASE_SECONDS * 1_000) / 3;
const HEARTBEAT_AGAIN_MS = 500;
/** A pass stops acting on the engine so long before its lease may be another gateway's: a call that is cut needs a moment. */
const FENCE_MARGIN_MS = 1_000;
/** Most of a boot is waiting: for the engine, for the app. */
const MAX_PASSES = 64;

/** Claims VMs that are due and reconciles each; woken by notifications, and by a slow poll for those that got lost. */
export function startReconcileLoop(options: LoopOptions): ReconcileLoop {
  const { db, listener, owner, regions, log } = options;
  const deps = { ...options, setbacks: createSetbacks() };
  const closing = new AbortController();
  const held = new Map<string, Held>();
  const passes = new Set<Promise<void>>();
  let wake = new AbortController();
  let claimedAt = performance.now();
  let beatenAt = performance.now();

  /** Neither waits for an answer nor for an error: a heartbeat that hangs is what the fence is for. */
  const extend = (holding: Held, heldUntil: number): void => {
    if (heldUntil < holding.heldUntil) return;
    holding.heldUntil = heldUntil;
    clearTimeout(holding.fence);
    holding.fence = setTimeout(() => holding.moved.abort(), heldUntil - FENCE_MARGIN_MS - performance.now());
  };
  /** The database's outages are logged where they are noticed. */
  const report = (error: unknown, message: string, details: object = {}): void => {
    if (!isDatabaseUnavailable(error)) log.error({ err: error, ...details }, message);
  };

  const work = async (holding: Held): Promise<void> => {
    const { lease } = holding;
    const beginRound = (state: LeaseState): Round => {
      holding.seen = state;
      holding.moved = new AbortController();
      holding.hint = new AbortController();
      extend(holding, state.heldUntil);
      return { state, signal: AbortSignal.any([closing.signal, holding.moved.signal]), hinted: holding.hint.signal };
    };
    try {
      const result = await reconcileVm(deps, lease, beginRound, closing.signal);
      if (result !== undefined) await releaseLease(db, lease, result.seen, result.nextInSeconds);
    } catch (error) {
      // The lease is left to expire: a pass that fails like this is not tried again at once.
      report(error, 'a pass failed', { vmId: lease.vmId });
    } finally {
      clearTimeout(holding.fence);
      held.delete(lease.vmId);
      wake.abort();
    }
  };

  const claim = async (): Promise<void> => {
    const room = MAX_PASSES - held.size;
    const leases = room <= 0 ? [] : await claimDue(db, owner, regions, room);
    claimedAt = performance.now();
    for (const lease of leases) {
      const { vmId, heldUntil } = lease;
      const moved = new AbortController();
      const holding: Held = { lease, seen: undefined, heldUntil, fence: undefined, moved, hint: new AbortController() };
      held.set(vmId, holding);
      const pass = work(holding);
      passes.add(pass);
      void pass.then(() => passes.delete(pass));
    }
  };

  /** Tells the passes what moved under them: a new desire ends the step at hand, a lost lease too, a hint only its waiting. */
  const tell = (vmIds: readonly string[], states: readonly LeaseState[]): void => {
    for (const vmId of vmIds) {
      const holding = held.get(vmId);
      if (holding?.seen === undefined) continue;
      const state = states.find((each) => each.vmId === vmId);
      if (state !== undefined) extend(holding, state.heldUntil);
      if (state === undefined || state.generation !== holding.seen.generation) holding.moved.abort();
      else if (state.wakes !== holding.seen.wakes) holding.hint.abort();
    }
  };

  const beat = async (vmIds: readonly string[]): Promise<boolean> => {
    try {
      if (vmIds.length > 0) tell(vmIds, await heartbeat(db, owner, vmIds));
      beatenAt = performance.now();
      return true;
    } catch (error) {
      report(error, 'a heartbeat failed');
      return false;
    }
  };

  const until = async (ms: number, signal: AbortSignal): Promise<void> => {
    await delay(ms, undefined, { signal }).catch(() => undefined);
  };
  const keepClaiming = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      wake = new AbortController();
      await claim().catch((error: unknown) => report(error, 'due VMs could not be claimed; trying again'));
      await until(POLL_MS, AbortSignal.any([closing.signal, wake.signal]));
    }
  };
  const keepBeating = async (): Promise<void> => {
    let isBeaten = true;
    while (!closing.signal.aborted) {
      await until(isBeaten ? HEARTBEAT_MS : HEARTBEAT_AGAIN_MS, closing.signal);
      isBeaten = await beat([...held.keys()]);
    }
  };

  const unlisten = [
    listener.on('vm_due', (vmId) => {
      wake.abort();
      if (held.has(vmId)) void beat([vmId]);
    }),
    listener.onResync(() => wake.abort()),
  ];
  const running = [keepClaiming(), keepBeating()];

  return {
    claimedAt: () => claimedAt,
    beatenAt: () => beatenAt,
    async close() {
      for (const stop of unlisten) stop();
      closing.abort();
      await Promise.all(running);
      await Promise.all(passes);
    },
  };
}
