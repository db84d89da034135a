import { setTimeout as delay } from 'node:timers/promises';
import type { EngineDriver } from '../engine/driver.ts';
import type { Observation } from '../engine/machine.ts';
import { sharesAddress } from './plan/shares-address.ts';

/** What became of a container while its app was waited for: it is another, elsewhere or ended; or another has its address. */
export type ContainerChange = 'changed' | 'shared';

const LOOK_EVERY_MS = 3_000;
/** All containers are asked for on every fifth look only. */
const LOOKS_A_LIST = 5;

/**
 * Looks at the container every 3 s, for no engine tells of everything that happens to one: after a crash, least of all. Resolves with what
 * changed since `seen`, or to undefined when the signal aborts. A look that fails says nothing.
 */
export async function watchContainer(driver: EngineDriver, seen: Observation, signal: AbortSignal): Promise<ContainerChange | undefined> {
  for (let looks = 1; ; looks += 1) {
    await delay(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return undefined;
    try {
      if (hasChanged(seen, await driver.observe(seen.id, signal))) return 'changed';
      if (looks % LOOKS_A_LIST === 0 && sharesAddress(await driver.list(signal), seen)) return 'shared';
    } catch {
      // Looked at again.
    }
  }
}

function hasChanged(seen: Observation, now: Observation | undefined): boolean {
  return now?.ref !== seen.ref || now.address !== seen.address || now.state !== seen.state;
}
