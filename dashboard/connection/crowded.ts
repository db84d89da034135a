import { signal } from '@preact/signals';

/** Whether the account has too many windows open for this one to be live. */
export const isCrowded = signal(false);

let waiting = 0;

/** Resolves once the user wants this window to be live, or the signal aborts. */
export async function untilUncrowded(aborts: AbortSignal): Promise<void> {
  waiting += 1;
  isCrowded.value = true;
  await new Promise<void>((resolve) => {
    const end = (): void => {
      aborts.removeEventListener('abort', end);
      stop?.();
      resolve();
    };
    let stop: (() => void) | undefined = undefined;
    stop = isCrowded.subscribe((isStill) => {
      if (!isStill) end();
    });
    aborts.addEventListener('abort', end);
    if (aborts.aborted) end();
  });
  waiting -= 1;
  // Nobody waits any more, and so nobody would notice the button.
  if (waiting === 0) isCrowded.value = false;
}
