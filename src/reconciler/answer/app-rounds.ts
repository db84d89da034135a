import { startPatientTimer } from '../../lib/concurrency/patient-timer.ts';
import { measures } from '../../measures.ts';
import type { CheckedApp } from '../iteration/checked-app.ts';

/** A VM that is watched. */
export interface Watched {
  readonly vmId: string;
  readonly app: CheckedApp;
  /** When it was last as its row says, by performance.now(). */
  sameAt: number;
  /** By performance.now(). */
  readonly until: number;
  /** Ends the check that runs. */
  check?: AbortController;
}

interface RoundsOptions {
  /** Between an answer and the next question. */
  readonly everyMs: number;
  /** The VM is not as its row says, or has been asked for long enough. It is not asked any more. */
  readonly onChanged: (watched: Watched) => void;
}

/** An app that takes longer is asked under a lease, where it has more time. */
const TIMEOUT_MS = 1_500;
/** For engine and app together. */
const DEADLINE_MS = 10_000;
/** So many connections and calls to engines wait at a time. */
const MAX_AT_ONCE = 512;

/** Asks apps again and again, those first that were asked the longest time ago. */
export class AppRounds {
  readonly #options: RoundsOptions;
  /** In the order of `sameAt`. */
  readonly #waiting = new Map<string, Watched>();
  /** In the order of `sameAt`. */
  readonly #asked = new Map<string, Watched>();
  readonly #checks = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: RoundsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#waiting.size + this.#asked.size;
  }

  /** When the one was as its row says that was asked the longest time ago; Infinity if there is none. */
  get oldestSameAt(): number {
    const [waiting] = this.#waiting.values();
    const [asked] = this.#asked.values();
    return Math.min(waiting?.sameAt ?? Infinity, asked?.sameAt ?? Infinity);
  }

  vmIds(): string[] {
    return [...this.#waiting.keys(), ...this.#asked.keys()];
  }

  find(vmId: string): Watched | undefined {
    return this.#waiting.get(vmId) ?? this.#asked.get(vmId);
  }

  /** Adds a VM that is as its row says now. */
  begin(watched: Watched): void {
    this.#waiting.set(watched.vmId, watched);
    this.#schedule();
  }

  end(vmId: string): void {
    this.#asked.get(vmId)?.check?.abort();
    this.#asked.delete(vmId);
    this.#waiting.delete(vmId);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    for (const vmId of this.vmIds()) this.end(vmId);
    await Promise.all(this.#checks);
  }

  #schedule(): void {
    const [next] = this.#waiting.values();
    if (next === undefined || this.#timer !== undefined || this.#isClosed) return;
    if (this.#asked.size >= MAX_AT_ONCE) return;
    const dueInMs = Math.max(0, next.sameAt + this.#options.everyMs - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#askDue();
    }, dueInMs);
  }

  #askDue(): void {
    const now = performance.now();
    for (const watched of this.#waiting.values()) {
      const lateMs = now - watched.sameAt - this.#options.everyMs;
      if (lateMs < 0 || this.#asked.size >= MAX_AT_ONCE) break;
      measures.checkLagSeconds.observe(lateMs / 1_000);
      const check = this.#ask(watched);
      this.#checks.add(check);
      void check.finally(() => this.#checks.delete(check));
    }
    this.#schedule();
  }

  async #ask(watched: Watched): Promise<void> {
    const { vmId, app, until } = watched;
    const check = new AbortController();
    watched.check = check;
    this.#waiting.delete(vmId);
    this.#asked.set(vmId, watched);
    const cancel = startPatientTimer(DEADLINE_MS, () => check.abort());
    // What the engine does not say now is found out under a lease.
    const isSame = performance.now() < until && (await app.isSame(TIMEOUT_MS, check.signal).catch(() => false));
    cancel();
    if (this.#asked.get(vmId) !== watched || this.#isClosed) return;
    this.#asked.delete(vmId);
    if (isSame) {
      watched.sameAt = performance.now();
      this.#waiting.set(vmId, watched);
    } else this.#options.onChanged(watched);
    this.#schedule();
  }
}
