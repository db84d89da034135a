import { setTimeout as delay } from 'node:timers/promises';
import type { Listener } from '../db/listen.ts';
import { claimDue, heartbeat, releaseLease, LEASE_SECONDS, type Lease, type LeaseState } from '../vm/vm-lease.ts';
import { reconcileVm, type ReconcileDependencies, type Round } from './reconcile-vm.ts';
import { createSetbacks } from './setbacks.ts';

export interface ReconcileLoop {
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
  moved: AbortController;
  hint: AbortController;
}

const POLL_MS = 1_000;
const HEARTBEAT_MS = (LEASE_SECONDS * 1_000) / 3;
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
  let beatenAt = Date.now();

  const work = async (holding: Held): Promise<void> => {
    const { lease } = holding;
    const beginRound = (state: LeaseState): Round => {
      holding.seen = state;
      holding.moved = new AbortController();
      holding.hint = new AbortController();
      return { state, signal: AbortSignal.any([closing.signal, holding.moved.signal]), hinted: holding.hint.signal };
    };
    try {
      const result = await reconcileVm(deps, lease, beginRound, closing.signal);
      if (result !== undefined) await releaseLease(db, lease, result.seen, result.nextInSeconds);
    } catch (error) {
      // The lease is left to expire: a pass that fails like this is not tried again at once.
      log.error({ err: error, vmId: lease.vmId }, 'a pass failed');
    } finally {
      held.delete(lease.vmId);
      wake.abort();
    }
  };

  const claim = async (): Promise<void> => {
    const room = MAX_PASSES - held.size;
    if (room <= 0) return;
    for (const lease of await claimDue(db, owner, regions, room)) {
      const holding: Held = { lease, seen: undefined, moved: new AbortController(), hint: new AbortController() };
      held.set(lease.vmId, holding);
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
      if (state === undefined || state.generation !== holding.seen.generation) holding.moved.abort();
      else if (state.wakes !== holding.seen.wakes) holding.hint.abort();
    }
  };

  const beat = async (vmIds: readonly string[]): Promise<void> => {
    if (vmIds.length === 0) return;
    try {
      tell(vmIds, await heartbeat(db, owner, vmIds));
      beatenAt = Date.now();
    } catch (error) {
      log.warn({ err: error }, 'a heartbeat failed');
      // Others may take over from now on: stop acting before they do.
      if (Date.now() - beatenAt > LEASE_SECONDS * 800) for (const { moved } of held.values()) moved.abort();
    }
  };

  const until = async (ms: number, signal: AbortSignal): Promise<void> => {
    await delay(ms, undefined, { signal }).catch(() => undefined);
  };
  const keepClaiming = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      wake = new AbortController();
      await claim().catch((error: unknown) => log.warn({ err: error }, 'due VMs could not be claimed; trying again'));
      await until(POLL_MS, AbortSignal.any([closing.signal, wake.signal]));
    }
  };
  const keepBeating = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      await until(HEARTBEAT_MS, closing.signal);
      await beat([...held.keys()]);
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
    async close() {
      for (const stop of unlisten) stop();
      closing.abort();
      await Promise.all(running);
      await Promise.all(passes);
    },
  };
}
