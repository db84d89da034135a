import type { EngineDriver } from '../engine/driver.ts';
import type { MachineLogLine, MachineStats } from '../engine/machine.ts';
import type { EventStreams } from '../events/event-streams.ts';
import { createSharedStreams } from '../lib/shared-streams.ts';
import { eachRun } from './vm-runs.ts';
import type { Vm } from './vm.ts';

export type LogLine = MachineLogLine;
export type VmStats = MachineStats;

/** What the app writes and what it consumes, read from its region's engine while somebody watches. */
export interface VmTelemetry {
  /** The last `tail` lines, then each new one, across every container that the VM gets; ends when the VM is deleted. */
  logs(vm: Vm, tail: number, signal: AbortSignal): AsyncIterable<LogLine>;
  /** One reading a second while its container runs. However many watch, the engine is asked once. */
  stats(vm: Vm): AsyncIterableIterator<VmStats>;
}

/** Of a container that is followed from its beginning. */
const ALL_LINES = 1_000;

export function createVmTelemetry(deps: { driverOf: (region: string) => EngineDriver; streams: EventStreams }): VmTelemetry {
  const { driverOf, streams } = deps;
  const shared = createSharedStreams<VmStats>();

  async function* logs(vm: Vm, tail: number, signal: AbortSignal): AsyncGenerator<LogLine> {
    const driver = driverOf(vm.region);
    let told: Date | undefined;
    let first = true;
    for await (const _run of eachRun({ streams, driver }, vm, signal)) {
      const since = told === undefined ? {} : { since: told };
      for await (const line of driver.logs(vm.id, { tail: first ? tail : ALL_LINES, follow: true, ...since }, signal)) {
        told = line.at;
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
