import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import type { Point } from '../../live/follow-stats.ts';
import { timeWithSeconds } from '../../words/format.ts';
import { appearance } from '../../session/appearance.ts';
import type { ChartSpec } from './charts.ts';

const HEIGHT = 140;
const WINDOW_SECONDS = 60;
/** Of a scale without a top, so that noise does not fill it. */
const LEAST_RATE = 10_000;
const CALM_MS = 5_000;
/** All charts of the page under one cursor. */
const CURSOR_KEY = 'stats';

interface ChartProps {
  readonly chart: ChartSpec;
  readonly points: readonly Point[];
  readonly cores: number;
}

/** A line chart of uPlot. Its table twin is for who cannot see or point. */
export function Chart({ chart, points, cores }: ChartProps): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(null);
  const drawnAt = useRef(0);
  const theme = appearance.value;
  const top = chart.top?.(points);
  useEffect(() => {
    const { current } = place;
    if (current === null) return undefined;
    const made = new uPlot(optionsOf(chart, current, top), [[]], current);
    plot.current = made;
    drawnAt.current = 0;
    const sizes = new ResizeObserver(() => made.setSize({ width: current.clientWidth, height: HEIGHT }));
    sizes.observe(current);
    return () => {
      sizes.disconnect();
      made.destroy();
    };
  }, [chart, theme, top]);
  useEffect(() => {
    const isCalm = matchMedia('(prefers-reduced-motion: reduce)').matches;
    if (isCalm && Date.now() - drawnAt.current < CALM_MS) return;
    drawnAt.current = Date.now();
    const times = points.map(({ at }) => at / 1000);
    const lines = chart.series.map(({ value }) => points.map((point) => value(point, cores) ?? null));
    plot.current?.setData([times, ...lines]);
  }, [points, chart, cores, theme, top]);
  const last = points.at(-1);
  return (
    <figure class="panel chart" aria-label={chart.title}>
      <figcaption class="spread">
        <strong>{chart.title}</strong>
        <span class="quiet small figure">
          {last !== undefined &&
            chart.series
              .map(({ label, value }) => {
                const now = value(last, cores);
                return now === undefined ? '' : `${chart.series.length > 1 ? `${label} ` : ''}${chart.format(now)}`;
              })
              .filter(Boolean)
              .join(' · ')}
        </span>
      </figcaption>
      <div ref={place} class="plot" aria-hidden="true" />
    </figure>
  );
}

/** A colour of the style sheet as the canvas needs it: of the present theme. */
function colourOf(place: HTMLElement, name: string): string {
  place.style.color = `var(${name})`;
  return getComputedStyle(place).color;
}

function optionsOf({ series, format, steps }: ChartSpec, place: HTMLElement, top: number | undefined): uPlot.Options {
  const colour = (name: string): string => colourOf(place, name);
  const axis = {
    stroke: colour('--quiet'),
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
    font: '11px system-ui',
  };
  return {
    width: place.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { sync: { key: CURSOR_KEY }, y: false, drag: { x: false, y: false } },
    scales: {
      // At least a minute, so that the first seconds do not fill the width.
      x: {
        range: (_plot, min, max) =>
          Number.isFinite(max ?? NaN) ? [Math.min(min, max - WINDOW_SECONDS), max] : emptyRange(),
      },
      y: { range: (_plot, _min, max) => [0, top ?? Math.max(max || 0, LEAST_RATE) * 1.1] },
    },
    axes: [
      { ...axis, space: 80, size: 28, values: (_plot, times) => times.map((at) => timeWithSeconds(at * 1000)) },
      {
        ...axis,
        size: 72,
        ...(steps !== undefined && { incrs: [...steps] }),
        values: (_plot, values) => values.map((value) => format(value)),
      },
    ],
    series: [
      {},
      ...series.map(({ label, colour: name, isDashed = false }) => ({
        label,
        stroke: colour(name),
        width: 1.5,
        points: { show: false },
        ...(isDashed && { dash: [5, 4] }),
      })),
    ],
  };
}

function emptyRange(): [number, number] {
  const now = Date.now() / 1000;
  return [now - WINDOW_SECONDS, now];
}
