import type { Sample } from '../api/subscriptions.ts';

/** A measurement as it is drawn. Rates are undefined at the first sample of a container. */
export interface Point {
  readonly at: number;
  readonly cpuPercent: number;
  readonly memoryBytes: number;
  readonly memoryLimitBytes: number;
  readonly inPerSecond: number | undefined;
  readonly outPerSecond: number | undefined;
}

/** The points of past samples, and then the live ones, of which each is there once. Pure. */
export function withHistory(past: readonly Sample[], live: readonly Point[]): readonly Point[] {
  const from = live[0]?.at ?? Infinity;
  const points = past.map((sample, index) => pointOf(sample, past[index - 1]));
  return [...points.filter(({ at }) => at < from), ...live];
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
