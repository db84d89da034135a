import type { Db } from '../../db/database.ts';
import { findVmsOfAnyone, type VisitedVm } from '../../vm/vm-store.ts';

/** A row as a statement found it. */
export interface VmRead {
  /** Undefined if there is no such VM. */
  readonly vm: VisitedVm | undefined;
  /** When the statement was sent, whose result may miss what commits while it runs: a time of performance.now(). */
  readonly startedAt: number;
  /** Grows with each statement. */
  readonly order: number;
}

interface Waiting {
  readonly vmId: string;
  readonly reading: PromiseWithResolvers<VmRead>;
}

/**
 * Statements at a time, which take a connection each: made-up addresses cannot take those that the API needs. One more
 * than one, so a lost connection does not stop all lookups until its deadline.
 */
const MAX_STATEMENTS = 2;
const MAX_IDS = 100;

/** Reads rows of VMs, those that are asked for meanwhile in one statement. */
export class VmReader {
  readonly #db: Db;
  readonly #waiting: Waiting[] = [];
  #statements = 0;
  #order = 0;

  constructor(db: Db) {
    this.#db = db;
  }

  /** Reads the VM in a statement that has not been sent yet. */
  read(vmId: string): Promise<VmRead> {
    const reading = Promise.withResolvers<VmRead>();
    this.#waiting.push({ vmId, reading });
    this.#send();
    return reading.promise;
  }

  #send(): void {
    if (this.#statements >= MAX_STATEMENTS || this.#waiting.length === 0) return;
    this.#statements += 1;
    void this.#readBatch(this.#waiting.splice(0, MAX_IDS)).finally(() => {
      this.#statements -= 1;
      this.#send();
    });
  }

  async #readBatch(batch: readonly Waiting[]): Promise<void> {
    const order = (this.#order += 1);
    const startedAt = performance.now();
    try {
      const vms = await findVmsOfAnyone(this.#db, [...new Set(batch.map(({ vmId }) => vmId))]);
      for (const { vmId, reading } of batch) reading.resolve({ vm: vms.get(vmId), startedAt, order });
    } catch (error) {
      // Those that wait would only fail one deadline later.
      for (const { reading } of [...batch, ...this.#waiting.splice(0)]) reading.reject(error);
    }
  }
}
