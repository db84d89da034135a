import { awaited } from '../vms/awaited.ts';
import { loadDesk, refreshDesk, refreshUsage } from './desk.ts';
import { followVms } from '../vms/follow-vms.ts';
import { afterEachLoss } from '../connection/after-each-loss.ts';
import { isChange } from '../vms/vm-store.ts';
import { onVmEvents } from '../vms/vms.ts';

/** A hidden window gives its socket up after this long; with its cursor it misses nothing. */
const HIDDEN_MS = 5 * 60_000;

/** Follows the account while the window is seen. Returns the way to stop. */
export function followAccount(): () => void {
  let following: AbortController | undefined;
  let hiding: ReturnType<typeof setTimeout> | undefined;
  const start = (): void => {
    clearTimeout(hiding);
    if (following !== undefined) return;
    following = new AbortController();
    void followVms(following.signal).catch((error: unknown) => console.error(error));
  };
  const stop = (): void => {
    // A notification is to come from a hidden window, too.
    if (awaited.peek().size > 0) {
      hiding = setTimeout(stop, HIDDEN_MS);
      return;
    }
    following?.abort();
    following = undefined;
  };
  const look = (): void => {
    clearTimeout(hiding);
    if (document.visibilityState === 'visible') {
      start();
      refreshDesk();
    } else hiding = setTimeout(stop, HIDDEN_MS);
  };
  start();
  void loadDesk();
  document.addEventListener('visibilitychange', look);
  const stopDesk = afterEachLoss(() => void loadDesk());
  const stopUsage = onVmEvents((events) => {
    if (events.some(isChange)) refreshUsage();
  });
  return () => {
    clearTimeout(hiding);
    following?.abort();
    stopDesk();
    stopUsage();
    document.removeEventListener('visibilitychange', look);
  };
}
