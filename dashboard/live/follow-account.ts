import { desk, loadDesk, refreshUsage } from './desk.ts';
import { followVms } from './follow-vms.ts';
import { onVmEvents } from './vms.ts';

/** A hidden window gives its socket up after this long; with its cursor it misses nothing. */
const HIDDEN_MS = 5 * 60_000;

/** Follows the account while somebody is signed in and looks. Returns the way to stop. */
export function followAccount(): () => void {
  let following: AbortController | undefined;
  let hiding: ReturnType<typeof setTimeout> | undefined;
  const asked = loadDesk();
  const start = (): void => {
    clearTimeout(hiding);
    if (following !== undefined) return;
    following = new AbortController();
    const count = asked.then(() => desk.peek()?.vms.totalCount);
    void followVms(count, following.signal).catch((error: unknown) => console.error(error));
  };
  const stop = (): void => {
    following?.abort();
    following = undefined;
  };
  const look = (): void => {
    if (document.visibilityState === 'visible') start();
    else hiding = setTimeout(stop, HIDDEN_MS);
  };
  start();
  document.addEventListener('visibilitychange', look);
  const stopUsage = onVmEvents((events) => {
    if (events.some(({ kind }) => kind !== 'PROGRESS' && kind !== 'SNAPSHOT')) refreshUsage();
  });
  return () => {
    clearTimeout(hiding);
    stop();
    stopUsage();
    document.removeEventListener('visibilitychange', look);
  };
}
