import type { EnsureProgress } from '../../driver.ts';
import type { PullReading } from './pull-progress.ts';

/** With the last one, which does not wait for its turn, at most four in any second. */
const REPORT_MILLISECONDS = 334;
const NOTHING_YET: EnsureProgress = { phase: 'pulling', percent: 0, bytesDone: 0, bytesTotal: 0 };

type Pull = (imageRef: string, signal: AbortSignal, onReading: (reading: PullReading) => void) => Promise<void>;
type Report = (progress: EnsureProgress) => void;

interface SharedPull {
  readonly askers: Set<Report>;
  readonly abort: AbortController;
  readonly done: Promise<void>;
  last: EnsureProgress;
}

/**
 * One pull an image, however many ask for it at once: each asker sees the progress, at most four reports a second, and
 * the pull goes on while anyone still waits.
 */
export class SharedPulls {
  readonly #pull: Pull;
  readonly #running = new Map<string, SharedPull>();

  constructor(pull: Pull) {
    this.#pull = pull;
  }

  /**
   * Resolves when the image is there. Rejects with the signal's reason as soon as it aborts, else as the pull does.
   * Reports at once how far the pull is: a registry may take long to say its first word.
   */
  ask(imageRef: string, signal: AbortSignal, onProgress: Report): Promise<void> {
    const report = paced(onProgress);
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason);
        return;
      }
      const shared = this.#running.get(imageRef) ?? this.#start(imageRef);
      shared.askers.add(report);
      report(shared.last);
      const leave = () => {
        signal.removeEventListener('abort', onAbort);
        shared.askers.delete(report);
      };
      const onAbort = () => {
        leave();
        if (shared.askers.size === 0) this.#cancel(imageRef, shared, signal.reason);
        reject(signal.reason);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      shared.done.then(resolve, reject).finally(leave);
    });
  }

  #start(imageRef: string): SharedPull {
    const abort = new AbortController();
    const onReading = (reading: PullReading) => {
      shared.last = { phase: 'pulling', ...reading };
      for (const report of shared.askers) report(shared.last);
    };
    // Started in a microtask, when `shared` is complete.
    const done = Promise.resolve()
      .then(() => this.#pull(imageRef, abort.signal, onReading))
      .finally(() => this.#forget(imageRef, shared));
    const shared: SharedPull = { askers: new Set(), abort, done, last: NOTHING_YET };
    this.#running.set(imageRef, shared);
    return shared;
  }

  /** Who asks from here on gets a new pull, not this one's end. */
  #cancel(imageRef: string, shared: SharedPull, reason: unknown): void {
    this.#forget(imageRef, shared);
    shared.abort.abort(reason);
  }

  #forget(imageRef: string, shared: SharedPull): void {
    if (this.#running.get(imageRef) === shared) this.#running.delete(imageRef);
  }
}

/** The same without what comes too soon after the one before; each asker has a pace, and a function, of its own. */
function paced(onProgress: Report): Report {
  let reportedAt = Number.NEGATIVE_INFINITY;
  return (progress) => {
    const isLast = progress.phase === 'pulling' && progress.percent === 100;
    if (!isLast && performance.now() - reportedAt < REPORT_MILLISECONDS) return;
    reportedAt = performance.now();
    onProgress(progress);
  };
}
