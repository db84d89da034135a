import { setTimeout as delay } from 'node:timers/promises';

interface RepeatOptions {
  readonly signal: AbortSignal;
  /** The pause after each run. */
  readonly pauseMs: () => number;
  readonly onError: (error: unknown) => void;
}

/** Runs the work again and again until the signal aborts. Never rejects; errors after the abort are ignored. */
export async function repeat(work: () => Promise<void>, { signal, pauseMs, onError }: RepeatOptions): Promise<void> {
  while (!signal.aborted) {
    await work().catch((error: unknown) => {
      if (!signal.aborted) onError(error);
    });
    await delay(pauseMs(), undefined, { signal }).catch(() => undefined);
  }
}
