import type { Point } from '../../telemetry/stats-points.ts';
import { rate } from '../../words/format.ts';
import { telemetryWords } from '../../words/telemetry.ts';

const WORDS = telemetryWords.stats;

/** A panel of the stats: its lines, and how its values are written. */
export interface ChartSpec {
  readonly title: string;
  readonly series: readonly Series[];
  readonly format: (value: number) => string;
  /** The distances between the lines of the scale; by default decimal ones. */
  readonly steps?: readonly number[];
  /** The top of the scale, where it is known. */
  readonly top?: (points: readonly Point[]) => number | undefined;
}

export interface Series {
  readonly label: string;
  /** Its class in the style sheet. */
  readonly colour: 'accent' | 'warn' | 'good';
  readonly isDashed?: boolean;
  readonly value: (point: Point, cores: number) => number | undefined;
}

export const CHARTS: readonly ChartSpec[] = [
  {
    title: WORDS.cpu,
    series: [{ label: WORDS.cpu, colour: 'accent', value: ({ cpuPercent }, cores) => cpuPercent / cores }],
    format: WORDS.percent,
    top: () => 100,
  },
  {
    title: WORDS.memory,
    series: [
      { label: WORDS.used, colour: 'accent', value: ({ memoryBytes }) => memoryBytes },
      { label: WORDS.limit, colour: 'warn', isDashed: true, value: ({ memoryLimitBytes }) => memoryLimitBytes },
    ],
    format: WORDS.mb,
    steps: Array.from({ length: 14 }, (_each, index) => 2 ** (index + 26)),
    top: (points) => (points.at(-1)?.memoryLimitBytes ?? 0) * 1.05 || undefined,
  },
  {
    title: WORDS.network,
    series: [
      { label: WORDS.in, colour: 'accent', value: ({ inPerSecond }) => inPerSecond },
      { label: WORDS.out, colour: 'good', value: ({ outPerSecond }) => outPerSecond },
    ],
    format: rate,
  },
];
