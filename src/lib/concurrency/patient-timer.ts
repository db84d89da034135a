const STEP_MS = 100;

/**
 * Calls `onEnd` after so many milliseconds in which this process could notice what it waits for; returns what cancels
 * that. A process that stood still, or was busy, calls its timers before it learns what has arrived meanwhile: however
 * long that took, it counts as one step, and at the end what has arrived comes first.
 */
export function startPatientTimer(milliseconds: number, onEnd: () => void): () => void {
  let leftMs = milliseconds;
  let timer: NodeJS.Timeout;
  let last: NodeJS.Immediate | undefined;
  const wait = (): void => {
    const stepMs = Math.min(leftMs, STEP_MS);
    timer = setTimeout(() => {
      leftMs -= stepMs;
      if (leftMs > 0) wait();
      else last = setImmediate(onEnd);
    }, stepMs);
  };
  wait();
  return () => {
    clearTimeout(timer);
    clearImmediate(last);
  };
}
