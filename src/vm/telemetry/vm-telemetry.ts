import type { EngineDriver } from '../../engine/driver.ts';
import type { MachineStats } from '../../engine/machine.ts';
import type { EventStreams } from '../../events/event-streams.ts';
import { SharedStreams } from '../../lib/concurrency/shared-streams.ts';
import { TokenBuckets } from '../../lib/concurrency/token-buckets.ts';
import { LogFeed, RECENT_LINES, type LogLine, type LogStart, type WrittenLine } from './log-feed.ts';
import { nextPosition, type LogPosition } from './log-position.ts';
import { eachRun } from '../vm-runs.ts';
import type { Vm } from '../vm.ts';

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
   * The last `tail` lines, or those behind a position, of the last 1,000; then each new one, across all containers of
   * the VM. Ends when the VM is deleted. An account is sent a bounded number of lines; a line tells how many were left
   * out.
   */
  logs(vm: Vm, start: LogStart): AsyncIterableIterator<LogLine> {
    return (this.#feeds.get(vm.id) ?? this.#openFeed(vm)).follow(start);
  }

  /** One reading per second while the container runs. */
  stats(vm: Vm): AsyncIterableIterator<VmStats> {
    return this.#shared.subscribe(vm.id, (signal) => this.#readStats(vm, signal));
  }

  #openFeed(vm: Vm): LogFeed {
    const feed = new LogFeed({
      past: (signal) => this.#sources.driverOf(vm.region).logs(vm.id, { tail: RECENT_LINES, follow: false }, signal),
      live: (position, admit, signal) => this.#readLines(vm, position, admit, signal),
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
    start: LogPosition | undefined,
    admit: (bytes: number) => boolean,
    signal: AbortSignal,
  ): AsyncGenerator<WrittenLine> {
    const { driverOf, streams } = this.#sources;
    const driver = driverOf(vm.region);
    let position = start;
    for await (const _run of eachRun({ streams, driver }, vm, signal)) {
      const options = { tail: RECENT_LINES, follow: true, admit, ...position };
      for await (const line of driver.logs(vm.id, options, signal)) {
        position = nextPosition(position, line);
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
