import type { JSX } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { StatsHistory } from '../../api/queries.ts';
import type { Vm } from '../../api/vm-fields.ts';
import { followStats } from '../../telemetry/follow-stats.ts';
import { withHistory, type Point } from '../../telemetry/stats-points.ts';
import { isUp } from '../../vms/vm-facts.ts';
import { FailedQuery } from '../../loading/failed-query.tsx';
import { useFollowing } from '../../loading/use-following.ts';
import { useQuery } from '../../loading/use-query.ts';
import { telemetryWords } from '../../words/telemetry.ts';
import { CHARTS } from './charts.ts';
import { Chart } from './chart.tsx';
import { StatsTable } from './stats-table.tsx';

const WORDS = telemetryWords.stats;
/** Between two drawings for who wants less motion. */
const CALM_MS = 5_000;
const WINDOWS = [5, 15, 60] as const;
type Minutes = (typeof WINDOWS)[number];

/** What the VM uses, and has used in the last hour. */
export function Stats({ vm }: { vm: Vm }): JSX.Element {
  const isOn = isUp(vm);
  const [minutes, setMinutes] = useState<Minutes>(15);
  const { value: live = [], problem, retry } = useFollowing<readonly Point[]>(followStats, vm.id, isOn);
  const past = useQuery(StatsHistory, { id: vm.id });
  const points = useDrawn(withHistory(past.data?.vm?.statsHistory ?? [], live));
  const from = (points.at(-1)?.at ?? 0) - minutes * 60_000;
  const shown = points.filter(({ at }) => at >= from);
  if (problem !== undefined) return <FailedQuery problem={problem} onRetry={retry} />;
  return (
    <section class="stats">
      <div class="spread">
        <div class="segments" role="group" aria-label={WORDS.window}>
          {WINDOWS.map((each) => (
            <button
              key={each}
              type="button"
              class="segment"
              aria-pressed={each === minutes}
              onClick={() => setMinutes(each)}
            >
              {WORDS.windows[each]}
            </button>
          ))}
        </div>
        <p class="quiet small">{isOn ? live.length === 0 && WORDS.waiting : WORDS.off}</p>
      </div>
      {CHARTS.map((chart) => (
        <Chart key={chart.title} chart={chart} points={shown} cores={vm.specs.cpu} />
      ))}
      <details>
        <summary>{WORDS.table}</summary>
        <StatsTable points={points} cores={vm.specs.cpu} />
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
