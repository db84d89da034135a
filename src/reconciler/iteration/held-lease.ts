import type { IterationSignals } from './vm-iteration.ts';
import type { Duty, Lease, LeaseState } from './vm-lease.ts';

/** An iteration ends this long before another gateway may take the lease: a call that is cancelled needs a moment. */
const FENCE_MARGIN_MS = 1_000;

/**
 * A lease that this gateway holds, and the signals of the iteration that runs under it.
 *
 * INVARIANTS
 * - The iteration's `signal` aborts before the lease may expire by this process's clock. That needs neither an answer
 *   nor an error of the database: the fence is a timer, for heartbeats that hang.
 * - A new desire aborts `signal`; any other event aborts `engineEvent`, which ends nothing but waiting.
 */
export class HeldLease {
  readonly lease: Lease;
  /** A look becomes work once there is room for that. */
  duty: Duty;
  readonly #closing: AbortSignal;
  /** As the iteration that runs has read it; undefined before the first. */
  #seen: LeaseState | undefined;
  #heldUntil: number;
  #fence: NodeJS.Timeout | undefined;
  #interrupt = new AbortController();
  #engineEvent = new AbortController();

  constructor(lease: Lease, closing: AbortSignal) {
    this.lease = lease;
    this.duty = lease.duty;
    this.#closing = closing;
    this.#heldUntil = lease.heldUntil;
  }

  beginIteration(state: LeaseState): IterationSignals {
    this.#seen = state;
    this.#interrupt = new AbortController();
    this.#engineEvent = new AbortController();
    this.#extend(state.heldUntil);
    return { signal: AbortSignal.any([this.#closing, this.#interrupt.signal]), engineEvent: this.#engineEvent.signal };
  }

  /** Handles the answer to a heartbeat; undefined: the lease is lost. */
  onHeartbeat(state: LeaseState | undefined): void {
    if (this.#seen === undefined) return;
    if (state !== undefined) this.#extend(state.heldUntil);
    if (state === undefined || state.generation !== this.#seen.generation) this.#interrupt.abort();
    else if (state.wakes !== this.#seen.wakes) this.#engineEvent.abort();
  }

  #extend(heldUntil: number): void {
    if (heldUntil < this.#heldUntil) return;
    this.#heldUntil = heldUntil;
    clearTimeout(this.#fence);
    const leftMs = Math.max(0, heldUntil - FENCE_MARGIN_MS - performance.now());
    this.#fence = setTimeout(() => this.#interrupt.abort(), leftMs);
  }

  clearFence(): void {
    clearTimeout(this.#fence);
  }
}
