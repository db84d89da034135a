import type { EngineDriver } from '../../../engine/driver.ts';
import type { Inventory } from '../../../engine/engine-reports.ts';
import type { Log } from '../../../log.ts';
import { isDoubtful } from './is-doubtful.ts';

/** What an engine should have. `ref`: the machine's container, where it is known. */
export interface Expected {
  readonly machines: readonly { readonly id: string; readonly ref: string | null }[];
  readonly volumes: Inventory['volumes'];
}

interface InventoryReaderOptions {
  readonly driver: EngineDriver;
  readonly regions: readonly string[];
  readonly log: Log;
  /** The deadline of one call to the engine. */
  readonly deadline: () => AbortSignal;
  /** The machines that should be there before the first list. */
  readonly expect: () => Promise<Expected['machines']>;
}

/** Any port will do: all that matters is whether the container runs. */
const ANY_PORT = 1;

/**
 * Reads the list of an engine and checks it: engines have returned empty lists while everything ran.
 *
 * INVARIANTS
 * - A list that lacks much of the last accepted one is read a second time.
 * - If it still lacks a container that runs, it is rejected, and the next list is compared with the same one again.
 */
export class InventoryReader {
  readonly #options: InventoryReaderOptions;
  #accepted: Expected | undefined;
  #isRejecting = false;

  constructor(options: InventoryReaderOptions) {
    this.#options = options;
  }

  /** Undefined when the list is wrong and must not be acted on. */
  async read(): Promise<Inventory | undefined> {
    const { driver, deadline, expect } = this.#options;
    const before = this.#accepted ?? { machines: await expect(), volumes: [] };
    const first = await driver.list(deadline());
    const list = isDoubtful(before, first) ? await driver.list(deadline()) : first;
    const isWrong = isDoubtful(before, list) && (await this.#lacksRunning(list, before));
    if (isWrong !== this.#isRejecting) this.#report(isWrong, list, before);
    this.#isRejecting = isWrong;
    if (isWrong) return undefined;
    this.#accepted = list;
    return list;
  }

  /** Whether a machine that the list lacks runs. Each is looked up on its own. */
  async #lacksRunning(list: Inventory, { machines }: Expected): Promise<boolean> {
    const { driver, deadline } = this.#options;
    const listed = new Set(list.machines.map(({ id }) => id));
    for (const { id, ref } of machines) {
      if (listed.has(id) || ref === null) continue;
      if ((await driver.address(id, ref, ANY_PORT, deadline())) !== undefined) return true;
    }
    return false;
  }

  #report(isWrong: boolean, list: Inventory, before: Expected): void {
    const { regions, log } = this.#options;
    const counts = { regions, listed: list.machines.length, before: before.machines.length };
    if (isWrong) log.error(counts, 'the engine does not list containers that run; its list is not acted on');
    else log.info(counts, 'the list of the engine is complete again');
  }
}
