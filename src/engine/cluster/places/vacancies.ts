import type { Log } from '../../../log.ts';
import { EngineError } from '../../engine-error.ts';
import type { Placer } from '../../placer.ts';

/**
 * Gives the places of machines that are off free. A machine is off without a placer, too: what it took is given free
 * once there is one again.
 */
export class Vacancies {
  readonly #placer: Placer;
  readonly #log: Log;
  /** Machines that are off, and may still have a place. */
  readonly #open = new Set<string>();

  constructor(placer: Placer, log: Log) {
    this.#placer = placer;
    this.#log = log;
  }

  async vacate(id: string, signal: AbortSignal): Promise<void> {
    this.#open.add(id);
    try {
      await this.#placer.vacate(id, signal);
      this.#open.delete(id);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof EngineError) || error.isRefusal) throw error;
      this.#log.warn({ err: error, vmId: id }, 'failed to free the seat of a VM that is off; trying again');
    }
  }

  /** Called when the machine gets a place again. */
  cancel(id: string): void {
    this.#open.delete(id);
  }

  /** Tries again what failed before. */
  async retry(signal: AbortSignal): Promise<void> {
    for (const id of this.#open) await this.vacate(id, signal);
  }
}
