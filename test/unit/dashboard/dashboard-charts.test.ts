import { describe, expect, it } from 'vitest';
import { pointOf, withHistory } from '../../../dashboard/telemetry/stats-points.ts';
import { linePath } from '../../../dashboard/screens/stats/line-path.ts';
import { gridOf, timesOf } from '../../../dashboard/screens/stats/scale.ts';

const MINUTE = 60_000;

describe('the grid of a chart', () => {
  it.each([
    [100, undefined, [0, 50, 100]],
    [11_000, undefined, [0, 5_000, 10_000]],
    [3.9, undefined, [0, 1, 2, 3]],
    [0.3, undefined, [0, 0.1, 0.2, 0.3]],
    [1_075, [256, 512, 1_024], [0, 512, 1_024]],
  ])('up to %s has lines at round values', (top, steps, lines) => {
    expect(gridOf(top, steps).map((line) => Number(line.toFixed(6)))).toEqual(lines);
  });

  it('has times at full minutes or parts of them', () => {
    const from = 7 * MINUTE + 4_000;
    expect(timesOf(from, from + MINUTE).map((at) => (at - 7 * MINUTE) / 1_000)).toEqual([15, 30, 45, 60]);
    expect(timesOf(0, 60 * MINUTE).map((at) => at / MINUTE)).toEqual([0, 15, 30, 45, 60]);
  });
});

it('a line has a gap where nothing was measured, and stays within its chart', () => {
  const spots = [
    { at: 0, value: 0 },
    { at: 10_000, value: 20 },
    { at: 20_000, value: undefined },
    { at: 30_000, value: 5 },
    { at: 100_000, value: 10 },
  ];
  expect(linePath(spots, { from: 0, to: 100_000, top: 10 })).toBe('M0.0 100.0L100.0 0.0M300.0 50.0M1000.0 0.0');
});

it('what was used before the page was opened comes before what it has seen, each once', () => {
  const at = (seconds: number): string => new Date(seconds * 1_000).toISOString();
  const sample = (seconds: number, networkRxBytes: number) => ({
    at: at(seconds),
    cpuPercent: seconds,
    memoryBytes: 1,
    memoryLimitBytes: 2,
    networkRxBytes,
    networkTxBytes: 0,
  });
  const live = [pointOf(sample(31, 900), undefined)];
  const points = withHistory([sample(0, 0), sample(15, 300), sample(30, 100), sample(45, 500)], live);
  expect(points.map((point) => [point.cpuPercent, point.inPerSecond])).toEqual([
    [0, undefined],
    [15, 20],
    // The counters of a new container.
    [30, undefined],
    [31, undefined],
  ]);
});
