import { setTimeout as delay } from 'node:timers/promises';
import type { EngineDriver } from '../../engine/driver.ts';
import type { Observation } from '../../engine/machine.ts';
import { hasChanged } from '../answer/has-changed.ts';
import { sharesAddress } from '../plan/shares-address.ts';

/** 'changed': the container was replaced, moved or ended. 'shared': another container has its address. */
export type ContainerChange = 'changed' | 'shared';

const OBSERVE_EVERY_MS = 3_000;
/** Every fifth time all containers of the node are listed. */
const OBSERVATIONS_PER_LIST = 5;

/**
 * Observes the container every 3 s, because engines miss events, most of all after a crash. Resolves to how it differs
 * from `before`, or to undefined when the signal aborts. A failed observation is ignored.
 */
export async function watchContainer(
  driver: EngineDriver,
  before: Observation,
  signal: AbortSignal,
): Promise<ContainerChange | undefined> {
  for (let count = 1; ; count += 1) {
    await delay(OBSERVE_EVERY_MS, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return undefined;
    try {
      if (hasChanged(before, await driver.observe(before.id, signal))) return 'changed';
      if (count % OBSERVATIONS_PER_LIST === 0 && sharesAddress(await driver.listNode(before.node, signal), before))
        return 'shared';
    } catch {
      // The next observation decides.
    }
  }
}
