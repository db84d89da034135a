import type { EngineDriver } from '../engine/driver.ts';
import type { MachineLogLine, MachineStats } from '../engine/machine.ts';
import type { EventStreams } from '../events/event-streams.ts';
import { createSharedStreams } from '../lib/shared-streams.ts';
import { eachRun } from './vm-runs.ts';
import type { Vm } from './vm.ts';

export type LogLine = MachineLogLine;
export type VmStats = MachineStats;

/** Logs and statistics of VMs, read from their engines while there are subscribers. */
export interface VmTelemetry {
  /** The last `tail` lines, then each new one, across all containers of the VM. Ends when the VM is deleted. */
  logs(vm: Vm, tail: number, signal: AbortSignal): AsyncIterable<LogLine>;
  /** One reading per second while the container runs. All subscribers share one stream of the engine. */
  stats(vm: Vm): AsyncIterableIterator<VmStats>;
}

/** For a container that is followed from its start. */
const ALL_LINES = 1_000;

export function createVmTelemetry(deps: {
  driverOf: (region: string) => EngineDriver;
  streams: EventStreams;
}): VmTelemetry {
  const { driverOf, streams } = deps;
  const shared = createSharedStreams<VmStats>();

  async function* logs(vm: Vm, tail: number, signal: AbortSignal): AsyncGenerator<LogLine> {
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

  async function* stats(vm: Vm, signal: AbortSignal): AsyncGenerator<VmStats> {
    const driver = driverOf(vm.region);
    for await (const run of eachRun({ streams, driver }, vm, signal)) {
      if (run.state === 'running') yield* driver.stats(vm.id, signal);
    }
  }

  return { logs, stats: (vm) => shared.subscribe(vm.id, (signal) => stats(vm, signal)) };
}
