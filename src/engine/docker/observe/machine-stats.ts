import type { MachineStats } from '../../machine.ts';

interface CpuReading {
  readonly cpu_usage?: { readonly total_usage?: number; readonly percpu_usage?: readonly number[] | null };
  readonly system_cpu_usage?: number;
  readonly online_cpus?: number;
}

/** The fields that are read of the engine's JSON. */
export interface RawStats {
  readonly read?: string;
  readonly cpu_stats?: CpuReading;
  /** The previous reading; empty in the first one. */
  readonly precpu_stats?: CpuReading;
  readonly memory_stats?: {
    readonly usage?: number;
    readonly limit?: number;
    readonly stats?: Readonly<Record<string, number>>;
  };
  readonly networks?: Readonly<Record<string, { readonly rx_bytes: number; readonly tx_bytes: number }>> | null;
}

/** True for the readings that the engine sends after the container has ended. */
export function isAfterEnd(raw: RawStats): boolean {
  return raw.memory_stats?.usage === undefined;
}

/** A reading as `docker stats` shows it; undefined for the first one, which has no previous reading to compare. */
export function toMachineStats(raw: RawStats): MachineStats | undefined {
  const cpuPercent = toCpuPercent(raw.cpu_stats ?? {}, raw.precpu_stats ?? {});
  if (cpuPercent === undefined) return undefined;
  const networks = Object.values(raw.networks ?? {});
  return {
    at: new Date(raw.read ?? 0),
    cpuPercent,
    memoryBytes: toMemoryBytes(raw.memory_stats ?? {}),
    memoryLimitBytes: raw.memory_stats?.limit ?? 0,
    networkRxBytes: networks.reduce((sum, { rx_bytes }) => sum + rx_bytes, 0),
    networkTxBytes: networks.reduce((sum, { tx_bytes }) => sum + tx_bytes, 0),
  };
}

function toCpuPercent(now: CpuReading, before: CpuReading): number | undefined {
  if (now.system_cpu_usage === undefined || before.system_cpu_usage === undefined) return undefined;
  const machine = (now.cpu_usage?.total_usage ?? 0) - (before.cpu_usage?.total_usage ?? 0);
  // The host's time is the sum over all cores, so the quotient is a share of them all.
  const host = now.system_cpu_usage - before.system_cpu_usage;
  const cores = now.online_cpus || now.cpu_usage?.percpu_usage?.length || 1;
  return host > 0 && machine > 0 ? (machine / host) * cores * 100 : 0;
}

/** Without the reclaimable file cache: total_inactive_file on cgroup v1, inactive_file on v2. */
function toMemoryBytes({ usage = 0, stats = {} }: NonNullable<RawStats['memory_stats']>): number {
  const cache = stats['total_inactive_file'] ?? stats['inactive_file'] ?? 0;
  return cache < usage ? usage - cache : usage;
}
