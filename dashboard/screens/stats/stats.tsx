import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';
import type { Vm } from '../../api/vm-fields.ts';
import { followStats, type Point } from '../../telemetry/follow-stats.ts';
import { isUp } from '../../vms/vm-facts.ts';
import { FailedQuery } from '../../loading/failed-query.tsx';
import { useFollowing } from '../../loading/use-following.ts';
import { telemetryWords } from '../../words/telemetry.ts';
import { CHARTS } from './charts.ts';
import { Chart } from './chart.tsx';
import { StatsTable } from './stats-table.tsx';

const WORDS = telemetryWords.stats;
/** Between two drawings for who wants less motion. */
const CALM_MS = 5_000;

/** What the VM has used since the page was opened. */
export function Stats({ vm }: { vm: Vm }): JSX.Element {
  const isOn = isUp(vm);
  const { value: points = [], problem, retry } = useFollowing<readonly Point[]>(followStats, vm.id, isOn);
  const drawn = useDrawn(points);
  if (problem !== undefined) return <FailedQuery problem={problem} onRetry={retry} />;
  return (
    <section class="stats">
      <p class="quiet small">{isOn ? (points.length === 0 ? WORDS.waiting : WORDS.since) : WORDS.off}</p>
      {CHARTS.map((chart) => (
        <Chart key={chart.title} chart={chart} points={drawn} cores={vm.specs.cpu} />
      ))}
      <details>
        <summary>{WORDS.table}</summary>
        <StatsTable points={drawn} cores={vm.specs.cpu} />
      </details>
    </section>
  );
}

/** The points as they are drawn: at once, or in calm steps for who wants less motion. */
function useDrawn(points: readonly Point[]): readonly Point[] {
  const last = useRef({ points, at: performance.now() });
  const isCalm = matchMedia('(prefers-reduced-motion: reduce)').matches;
  const isFirst = last.current.points.length === 0;
  if (!isCalm || isFirst || performance.now() - last.current.at >= CALM_MS)
    last.current = { points, at: performance.now() };
  return last.current.points;
}
