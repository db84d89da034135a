import type { EngineDriver } from '../engine/driver.ts';
import type { MachineStats } from '../engine/machine.ts';
import type { EventStreams } from '../events/event-streams.ts';
import { SharedStreams } from '../lib/concurrency/shared-streams.ts';
import { TokenBuckets } from '../lib/concurrency/token-buckets.ts';
import { LogFeed, RECENT_LINES, type LogLine } from './log-feed.ts';
import { eachRun } from './vm-runs.ts';
import type { Vm } from './vm.ts';

export type { LogLine } from './log-feed.ts';
export type VmStats = MachineStats;

/**
 * What an account is sent of logs, over all its VMs and subscribers: in points, of which a line takes one, and one more
 * for each 512 bytes.
 */
const LOG_POINTS = { perSecond: 500, burst: 5_000 };

interface TelemetrySources {
  readonly driverOf: (region: string) => EngineDriver;
  readonly streams: EventStreams;
}

/** Logs and statistics of VMs, read from their engines once, while there are subscribers. */
export class VmTelemetry {
  readonly #sources: TelemetrySources;
  readonly #shared = new SharedStreams<VmStats>();
  readonly #feeds = new Map<string, LogFeed>();
  readonly #points = new TokenBuckets(LOG_POINTS);

  constructor(sources: TelemetrySources) {
    this.#sources = sources;
  }

  /**
   * The last `tail` lines, at most 1,000, then each new one, across all containers of the VM. Ends when the VM is
   * deleted. An account is sent a bounded number of lines; a line tells how many were left out.
   */
  logs(vm: Vm, tail: number): AsyncIterableIterator<LogLine> {
    return (this.#feeds.get(vm.id) ?? this.#openFeed(vm)).follow(tail);
  }

  /** One reading per second while the container runs. */
  stats(vm: Vm): AsyncIterableIterator<VmStats> {
    return this.#shared.subscribe(vm.id, (signal) => this.#readStats(vm, signal));
  }

  #openFeed(vm: Vm): LogFeed {
    const feed = new LogFeed({
      past: (signal) => this.#sources.driverOf(vm.region).logs(vm.id, { tail: RECENT_LINES, follow: false }, signal),
      live: (since, admit, signal) => this.#readLines(vm, since, admit, signal),
      takePoints: (count) => {
        if (this.#points.take(vm.userId) > 0) return false;
        this.#points.charge(vm.userId, count - 1);
        return true;
      },
      onEnd: () => {
        if (this.#feeds.get(vm.id) === feed) this.#feeds.delete(vm.id);
      },
    });
    this.#feeds.set(vm.id, feed);
    return feed;
  }

  async *#readLines(
    vm: Vm,
    since: Date | undefined,
    admit: (bytes: number) => boolean,
    signal: AbortSignal,
  ): AsyncGenerator<LogLine> {
    const { driverOf, streams } = this.#sources;
    const driver = driverOf(vm.region);
    let lastAt = since;
    for await (const _run of eachRun({ streams, driver }, vm, signal)) {
      const after = lastAt === undefined ? {} : { since: lastAt };
      const options = { tail: RECENT_LINES, follow: true, admit, ...after };
      for await (const line of driver.logs(vm.id, options, signal)) {
        lastAt = line.at;
        yield line;
      }
    }
  }

  async *#readStats(vm: Vm, signal: AbortSignal): AsyncGenerator<VmStats> {
    const { driverOf, streams } = this.#sources;
    const driver = driverOf(vm.region);
    for await (const run of eachRun({ streams, driver }, vm, signal)) {
      if (run.state === 'running') yield* driver.stats(vm.id, signal);
    }
  }
}
