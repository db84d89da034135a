import type { EngineDriver, Inventory } from '../../engine/driver.ts';
import type { Log } from '../../log.ts';
import { isDoubtful } from './is-doubtful.ts';

/** What should be there: a machine by its container, where it is known which. */
export interface Expected {
  readonly machines: readonly { readonly id: string; readonly ref: string | null }[];
  readonly volumes: Inventory['volumes'];
}

interface BelievedListOptions {
  readonly driver: EngineDriver;
  readonly regions: readonly string[];
  readonly log: Log;
  /** Of one call to the engine. */
  readonly deadline: () => AbortSignal;
  /** What should be there before the first list. */
  readonly expect: () => Promise<Expected['machines']>;
}

/** An address is asked for by its port; whether the container runs is all that matters here. */
const ANY_PORT = 1;

/**
 * Reads an engine's list. One that lacks much of what was there is asked for again, and what it still lacks is looked at one by one:
 * undefined when any of that runs, and the list is not to be acted on.
 */
export function createBelievedList({ driver, regions, log, deadline, expect }: BelievedListOptions): () => Promise<Inventory | undefined> {
  let believed: Expected | undefined;
  let doubting = false;

  const isContradicted = async (list: Inventory, { machines }: Expected): Promise<boolean> => {
    const listed = new Set(list.machines.map(({ id }) => id));
    for (const { id, ref } of machines) {
      if (listed.has(id) || ref === null) continue;
      if ((await driver.address(id, ref, ANY_PORT, deadline())) !== undefined) return true;
    }
    return false;
  };

  return async () => {
    const before = believed ?? { machines: await expect(), volumes: [] };
    const first = await driver.list(deadline());
    const list = isDoubtful(before, first) ? await driver.list(deadline()) : first;
    const isFalse = isDoubtful(before, list) && (await isContradicted(list, before));
    if (isFalse !== doubting) {
      const counts = { regions, listed: list.machines.length, before: before.machines.length };
      if (isFalse) log.error(counts, 'the engine does not list containers that run; its list is not acted on');
      else log.info(counts, 'the list of the engine is complete again');
    }
    doubting = isFalse;
    if (isFalse) return undefined;
    believed = list;
    return list;
  };
}
