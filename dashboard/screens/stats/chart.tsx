import type { JSX } from 'preact';
import type { Point } from '../../telemetry/stats-points.ts';
import { time, timeWithSeconds } from '../../words/format.ts';
import { chartCursor } from './chart-cursor.ts';
import type { ChartSpec, Series } from './charts.ts';
import { BOX, linePath } from './line-path.ts';
import { gridOf, timesOf } from './scale.ts';

/** At least a minute, so that the first seconds do not fill the width. */
const LEAST_MS = 60_000;
/** Of a scale without a top, so that noise does not fill it. */
const LEAST_TOP = 10_000;

interface ChartProps {
  readonly chart: ChartSpec;
  readonly points: readonly Point[];
  readonly cores: number;
}

/** A line chart. The pointer shows the values at a time; the table beside it is for who cannot see or point. */
export function Chart({ chart, points, cores }: ChartProps): JSX.Element {
  const { title, series, format, steps } = chart;
  const to = points.at(-1)?.at ?? Date.now();
  const from = Math.min(points[0]?.at ?? to, to - LEAST_MS);
  const values = series.flatMap(({ value }) => points.map((point) => value(point, cores) ?? 0));
  const top = chart.top?.(points) ?? Math.max(LEAST_TOP, ...values) * 1.1;
  const cursor = chartCursor.value;
  const marked = cursor === undefined ? undefined : nearestTo(points, cursor);
  const place = (at: number): string => `${((at - from) / (to - from)) * 100}%`;
  const times = timesOf(from, to);
  const hasSeconds = times.some((at) => at % 60_000 !== 0);
  return (
    <figure class="panel chart" aria-label={title}>
      <figcaption class="spread">
        <strong>{title}</strong>
        <Readings chart={chart} point={marked ?? points.at(-1)} cores={cores} isMarked={marked !== undefined} />
      </figcaption>
      <div class="plot" aria-hidden="true">
        {gridOf(top, steps).map((value) => (
          <span key={value} class="grid-line" style={{ bottom: `${(value / top) * 100}%` }}>
            <span class="scale">{format(value)}</span>
          </span>
        ))}
        <div class="times">
          {times.map((at) => (
            <span key={at} class="scale" style={{ left: place(at) }}>
              {hasSeconds ? timeWithSeconds(at) : time(at)}
            </span>
          ))}
        </div>
        <svg
          viewBox={`0 0 ${BOX.width} ${BOX.height}`}
          preserveAspectRatio="none"
          onPointerMove={({ currentTarget, clientX }) => {
            const { left, width } = currentTarget.getBoundingClientRect();
            chartCursor.value = from + ((clientX - left) / width) * (to - from);
          }}
          onPointerLeave={() => (chartCursor.value = undefined)}
        >
          {series.map(({ label, colour, isDashed, value }) => (
            <path
              key={label}
              class={`line ${colour} ${isDashed === true ? 'dashed' : ''}`}
              d={linePath(
                points.map((point) => ({ at: point.at, value: value(point, cores) })),
                { from, to, top },
              )}
            />
          ))}
        </svg>
        {marked !== undefined && <span class="cursor-line" style={{ left: place(marked.at) }} />}
      </div>
    </figure>
  );
}

/** The values at a point, with the look of their lines. */
function Readings({
  chart: { series, format },
  point,
  cores,
  isMarked,
}: {
  chart: ChartSpec;
  point: Point | undefined;
  cores: number;
  isMarked: boolean;
}): JSX.Element | null {
  if (point === undefined) return null;
  const read = ({ value }: Series): string => {
    const own = value(point, cores);
    return own === undefined ? '–' : format(own);
  };
  return (
    <span class="readings quiet small figure">
      {isMarked && <time>{timeWithSeconds(point.at)}</time>}
      {series.map((each) => (
        <span key={each.label}>
          {series.length > 1 && (
            <>
              <i class={`key ${each.colour} ${each.isDashed === true ? 'dashed' : ''}`} aria-hidden="true" />
              {each.label}{' '}
            </>
          )}
          {read(each)}
        </span>
      ))}
    </span>
  );
}

function nearestTo(points: readonly Point[], at: number): Point | undefined {
  const after = points.findIndex((point) => point.at >= at);
  if (after <= 0) return after === 0 ? points[0] : points.at(-1);
  const [before, next] = [points[after - 1], points[after]];
  if (before === undefined || next === undefined) return undefined;
  return at - before.at < next.at - at ? before : next;
}
