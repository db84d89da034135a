import { lostAt, wasLive } from './link-state.ts';

/** Calls back each time the connection is live again after a loss. Returns the way to stop. */
export function afterEachLoss(act: () => void): () => void {
  let wasLost = false;
  return lostAt.subscribe((lost) => {
    if (lost === undefined && wasLost) act();
    wasLost = lost !== undefined && wasLive.peek();
  });
}
