import type { JSX } from 'preact';

interface SparklineProps {
  readonly values: readonly number[];
  readonly max: number;
  /** How many values its width holds. */
  readonly size: number;
}

const HEIGHT = 28;

/** A small line of the last values. Decorative: the present one stands beside it. */
export function Sparkline({ values, max, size }: SparklineProps): JSX.Element {
  const y = (value: number): number => HEIGHT - 1 - (Math.min(value, max) / max) * (HEIGHT - 2);
  const points = values.map((value, index) => `${size - values.length + index},${y(value).toFixed(1)}`);
  return (
    <svg class="sparkline" viewBox={`0 0 ${size - 1} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
      <polyline points={points.join(' ')} />
    </svg>
  );
}
