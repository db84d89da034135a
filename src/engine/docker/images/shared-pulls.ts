import { inChildSpan } from '../../../tracing.ts';
import type { EnsureProgress } from '../../driver.ts';
import type { PullReading } from './pull-progress.ts';

/** At most four reports in any second, including the last one, which is not delayed. */
const REPORT_MILLISECONDS = 334;
const NO_PROGRESS: EnsureProgress = { phase: 'pulling', percent: 0, bytesDone: 0, bytesTotal: 0 };

type Pull = (imageRef: string, signal: AbortSignal, onReading: (reading: PullReading) => void) => Promise<void>;
type Report = (progress: EnsureProgress) => void;

interface SharedPull {
  readonly callers: Set<Report>;
  readonly abort: AbortController;
  readonly done: Promise<void>;
  last: EnsureProgress;
}

/**
 * Shares one pull per image among concurrent callers. Each gets at most four progress reports per second. The pull
 * continues while a caller waits.
 */
export class SharedPulls {
  readonly #startPull: Pull;
  readonly #running = new Map<string, SharedPull>();

  constructor(pull: Pull) {
    this.#startPull = pull;
  }

  /**
   * Resolves when the image is pulled. Rejects as the pull does, or with the signal's reason as soon as it aborts.
   * Reports the current progress at once, because a registry can take long to send its first byte.
   */
  pull(imageRef: string, signal: AbortSignal, onProgress: Report): Promise<void> {
    const attributes = { 'container.image.name': imageRef };
    return inChildSpan('engine: await image', { attributes }, () => this.#join(imageRef, signal, onProgress));
  }

  #join(imageRef: string, signal: AbortSignal, onProgress: Report): Promise<void> {
    const report = throttle(onProgress);
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason);
        return;
      }
      const shared = this.#running.get(imageRef) ?? this.#start(imageRef);
      shared.callers.add(report);
      report(shared.last);
      const leave = () => {
        signal.removeEventListener('abort', onAbort);
        shared.callers.delete(report);
      };
      const onAbort = () => {
        leave();
        if (shared.callers.size === 0) this.#cancel(imageRef, shared, signal.reason);
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
      for (const report of shared.callers) report(shared.last);
    };
    // Started in a microtask, when `shared` is complete.
    const done = Promise.resolve()
      .then(() => this.#startPull(imageRef, abort.signal, onReading))
      .finally(() => this.#forget(imageRef, shared));
    const shared: SharedPull = { callers: new Set(), abort, done, last: NO_PROGRESS };
    this.#running.set(imageRef, shared);
    return shared;
  }

  /** Later callers get a new pull, not the end of this one. */
  #cancel(imageRef: string, shared: SharedPull, reason: unknown): void {
    this.#forget(imageRef, shared);
    shared.abort.abort(reason);
  }

  #forget(imageRef: string, shared: SharedPull): void {
    if (this.#running.get(imageRef) === shared) this.#running.delete(imageRef);
  }
}

/** Drops reports that come too soon after the previous one. */
function throttle(onProgress: Report): Report {
  let reportedAt = Number.NEGATIVE_INFINITY;
  return (progress) => {
    const isLast = progress.phase === 'pulling' && progress.percent === 100;
    if (!isLast && performance.now() - reportedAt < REPORT_MILLISECONDS) return;
    reportedAt = performance.now();
    onProgress(progress);
  };
}
