/** The error of `withDeadline` when the time is up. */
export class DeadlineError extends Error {
  override readonly name = 'DeadlineError';
  readonly milliseconds: number;

  constructor(milliseconds: number) {
    super(`This took longer than ${milliseconds / 1000} s.`);
    this.milliseconds = milliseconds;
  }
}

/**
 * Runs `work` for at most `milliseconds`. Rejects at once with the signal's reason when `signal` aborts, or with a
 * DeadlineError when the time is up, even if `work` never settles. In both cases the signal passed to `work` aborts.
 */
export function withDeadline<T>(
  milliseconds: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
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
    // unref(): the timer alone must not keep the process alive.
    const timer = setTimeout(() => giveUp(new DeadlineError(milliseconds)), milliseconds).unref();
    // Not AbortSignal.any(): a long-lived signal would retain every call made with it.
    signal.addEventListener('abort', onAbort, { once: true });
    const release = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    };
    const attempt = async () => work(inner.signal);
    attempt().then(resolve, reject).finally(release);
  });
}
