import type { JSX } from 'preact';
import type { Point } from '../../telemetry/stats-points.ts';
import { timeWithSeconds } from '../../words/format.ts';
import { telemetryWords } from '../../words/telemetry.ts';
import { CHARTS } from './charts.ts';

const WORDS = telemetryWords.stats;
const STEP_MS = 5_000;
const WINDOW_MS = 60_000;

/** The last minute in steps of five seconds. */
export function StatsTable({ points, cores }: { points: readonly Point[]; cores: number }): JSX.Element {
  return (
    <div class="table-frame">
      <table>
        <caption class="hidden">{WORDS.tableLabel}</caption>
        <thead>
          <tr>
            <th scope="col">{WORDS.time}</th>
            {CHARTS.flatMap(({ title, series }) =>
              series.map(({ label }) => (
                <th key={`${title} ${label}`} scope="col">
                  {title === label ? title : `${title}, ${label}`}
                </th>
              )),
            )}
          </tr>
        </thead>
        <tbody>
          {everyStep(points).map((point) => (
            <tr key={point.at}>
              <th scope="row">{timeWithSeconds(point.at)}</th>
              {CHARTS.flatMap(({ title, series, format }) =>
                series.map(({ label, value }) => {
                  const own = value(point, cores);
                  return (
                    <td key={`${title} ${label}`} class="figure">
                      {own === undefined ? '–' : format(own)}
                    </td>
                  );
                }),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** The last point of each step, the newest first. */
function everyStep(points: readonly Point[]): Point[] {
  const from = (points.at(-1)?.at ?? 0) - WINDOW_MS;
  const steps = new Map(points.filter(({ at }) => at > from).map((point) => [Math.floor(point.at / STEP_MS), point]));
  return [...steps.values()].toReversed();
}
