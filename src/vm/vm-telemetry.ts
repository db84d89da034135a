import type { EngineDriver, MachineLogLine, MachineStats } from '../engine/driver.ts';
import type { Vm } from './vm.ts';

export type LogLine = MachineLogLine;
export type VmStats = MachineStats;

/** What the app writes and what it consumes, read from its region's engine while somebody watches. */
export interface VmTelemetry {
  logs(vm: Vm, tail: number, signal: AbortSignal): AsyncIterable<LogLine>;
  stats(vm: Vm, signal: AbortSignal): AsyncIterable<VmStats>;
}

export function createVmTelemetry(driverOf: (region: string) => EngineDriver): VmTelemetry {
  return {
    logs: (vm, tail, signal) => driverOf(vm.region).logs(vm.id, { tail, follow: true }, signal),
    stats: (vm, signal) => driverOf(vm.region).stats(vm.id, signal),
  };
}
