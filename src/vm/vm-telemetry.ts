import type { EngineDriver } from '../engine/driver.ts';
import type { MachineLogLine, MachineStats } from '../engine/machine.ts';
import type { EventStreams } from '../events/event-streams.ts';
import { SharedStreams } from '../lib/shared-streams.ts';
import { eachRun } from './vm-runs.ts';
import type { Vm } from './vm.ts';

export type LogLine = MachineLogLine;
export type VmStats = MachineStats;

/** For a container that is followed from its start. */
const ALL_LINES = 1_000;

interface TelemetrySources {
  readonly driverOf: (region: string) => EngineDriver;
  readonly streams: EventStreams;
}

/** Logs and statistics of VMs, read from their engines while there are subscribers. */
export class VmTelemetry {
  readonly #sources: TelemetrySources;
  readonly #shared = new SharedStreams<VmStats>();

  constructor(sources: TelemetrySources) {
    this.#sources = sources;
  }

  /** The last `tail` lines, then each new one, across all containers of the VM. Ends when the VM is deleted. */
  async *logs(vm: Vm, tail: number, signal: AbortSignal): AsyncGenerator<LogLine> {
    const { driverOf, streams } = this.#sources;
    const driver = driverOf(vm.region);
    let lastAt: Date | undefined;
    let first = true;
    for await (const _run of eachRun({ streams, driver }, vm, signal)) {
      const since = lastAt === undefined ? {} : { since: lastAt };
      for await (const line of driver.logs(vm.id, { tail: first ? tail : ALL_LINES, follow: true, ...since }, signal)) {
        lastAt = line.at;
        yield line;
      }
      first = false;
    }
  }

  /** One reading per second while the container runs. All subscribers share one stream of the engine. */
  stats(vm: Vm): AsyncIterableIterator<VmStats> {
    return this.#shared.subscribe(vm.id, (signal) => this.#readStats(vm, signal));
  }

  async *#readStats(vm: Vm, signal: AbortSignal): AsyncGenerator<VmStats> {
    const { driverOf, streams } = this.#sources;
    const driver = driverOf(vm.region);
    for await (const run of eachRun({ streams, driver }, vm, signal)) {
      if (run.state === 'running') yield* driver.stats(vm.id, signal);
    }
  }
}
