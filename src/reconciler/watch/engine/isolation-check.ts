import type { EngineDriver } from '../../../engine/driver.ts';
import type { Log } from '../../../log.ts';
import { isolationAfterError, toEngineHealth, type IsolationHealth } from './engine-health.ts';

interface IsolationCheckOptions {
  readonly driver: EngineDriver;
  readonly regions: readonly string[];
  readonly log: Log;
}

/** Sets up the isolation of VMs on an engine, checks it when run again, and logs each change of its state. */
export class IsolationCheck {
  readonly #options: IsolationCheckOptions;
  #state: IsolationHealth;

  constructor(options: IsolationCheckOptions) {
    this.#options = options;
  }

  get state(): IsolationHealth {
    return this.#state;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { driver, regions, log } = this.#options;
    const before = toEngineHealth(true, this.#state);
    try {
      this.#state = await driver.isolate(signal);
    } catch (error) {
      this.#state = isolationAfterError(error, this.#state);
    }
    const { summary, canStart } = toEngineHealth(true, this.#state);
    if (summary === before.summary) return;
    if (summary === 'ok') log.info({ regions }, 'VMs are isolated again');
    else log.error({ regions, canStart }, `Engine ${regions.join(', ')}: ${summary}`);
  }
}
