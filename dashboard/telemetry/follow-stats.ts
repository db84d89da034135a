import { VmStats, type Sample } from '../api/subscriptions.ts';
import { follow } from '../connection/follow.ts';
import { pointOf, type Point } from './stats-points.ts';

/** A quarter of an hour, a sample a second. */
const MOST_SAMPLES = 900;

/**
 * Calls back with the points so far, at each new one, until the signal aborts. Goes on after the points of `before`.
 */
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
