/** What `withDeadline` rejects with when the time is up. */
export class DeadlineError extends Error {
  override readonly name = 'DeadlineError';
  readonly milliseconds: number;

  constructor(milliseconds: number) {
    super(`This took longer than ${milliseconds / 1000} s.`);
    this.milliseconds = milliseconds;
  }
}

/**
 * Does `work` for at most `milliseconds`. Rejects with the signal's reason as soon as `signal` aborts and with a DeadlineError
 * as soon as the time is up, also when `work` never settles; in both cases the signal that `work` was given aborts.
 */
export function withDeadline<T>(milliseconds: number, signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    const inner = new AbortController();
    const giveUp = (reason: unknown) => {
      release();
      reject(reason);
      inner.abort(reason);
    };
    const onAbort = () => giveUp(signal.reason);
    // Whatever the work waits for keeps the process; where that is gone too, nobody is left to hear of the deadline.
    const timer = setTimeout(() => giveUp(new DeadlineError(milliseconds)), milliseconds).unref();
    // Not AbortSignal.any: a long-lived signal would then hold on to every call that was ever made under it.
    signal.addEventListener('abort', onAbort, { once: true });
    const release = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    };
    const attempt = async () => work(inner.signal);
    attempt().then(resolve, reject).finally(release);
  });
}
