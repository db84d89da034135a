import { setTimeout as sleep } from 'node:timers/promises';

/** Resolves after the time. Rejects with the signal's reason if it aborts first. */
export async function pauseFor(milliseconds: number, signal: AbortSignal): Promise<void> {
  // The timer rejects with an AbortError instead of the reason.
  await sleep(milliseconds, undefined, { signal }).catch(() => signal.throwIfAborted());
}
