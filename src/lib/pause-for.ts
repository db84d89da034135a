import { setTimeout as sleep } from 'node:timers/promises';

/** Waits. Rejects with the signal's reason as soon as it aborts. */
export async function pauseFor(milliseconds: number, signal: AbortSignal): Promise<void> {
  // The timer itself rejects with an error of its own.
  await sleep(milliseconds, undefined, { signal }).catch(() => signal.throwIfAborted());
}
