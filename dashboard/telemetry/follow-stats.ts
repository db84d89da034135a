import { VmStats, type Sample } from '../api/subscriptions.ts';
import { follow } from '../connection/follow.ts';

/** A quarter of an hour, a sample a second. */
const MOST_SAMPLES = 900;

/** A measurement as it is drawn. Rates are undefined at the first sample of a container. */
export interface Point {
  readonly at: number;
  readonly cpuPercent: number;
  readonly memoryBytes: number;
  readonly memoryLimitBytes: number;
  readonly inPerSecond: number | undefined;
  readonly outPerSecond: number | undefined;
}

/** Calls back with the points so far, at each new one, until the signal aborts. Goes on after the points of `before`. */
export async function followStats(
  vmId: string,
  onPoints: (points: readonly Point[]) => void,
  signal: AbortSignal,
  before: readonly Point[] = [],
): Promise<void> {
  let points = before;
  let last: Sample | undefined;
  await follow(VmStats, {
    signal,
    variables: () => ({ vmId }),
    onNext({ vmStats: sample }) {
      points = [...points.slice(1 - MOST_SAMPLES), pointOf(sample, last)];
      last = sample;
      onPoints(points);
    },
  });
}

/** The rates since the last sample. A smaller counter is that of a new container: a gap, not a spike. */
export function pointOf(sample: Sample, last: Sample | undefined): Point {
  const at = new Date(sample.at).getTime();
  const seconds = last === undefined ? 0 : (at - new Date(last.at).getTime()) / 1000;
  const rate = (now: number, before: number | undefined): number | undefined =>
    before === undefined || seconds <= 0 || now < before ? undefined : (now - before) / seconds;
  return {
    at,
    cpuPercent: sample.cpuPercent,
    memoryBytes: sample.memoryBytes,
    memoryLimitBytes: sample.memoryLimitBytes,
    inPerSecond: rate(sample.networkRxBytes, last?.networkRxBytes),
    outPerSecond: rate(sample.networkTxBytes, last?.networkTxBytes),
  };
}
