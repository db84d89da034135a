import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Vm } from '../../api/vm-fields.ts';
import { followLogs } from '../../telemetry/follow-logs.ts';
import { MOST_LINES, type ShownLine } from '../../telemetry/log-lines.ts';
import { FailedQuery } from '../../loading/failed-query.tsx';
import { useFollowing } from '../../loading/use-following.ts';
import { telemetryWords } from '../../words/telemetry.ts';
import { LogTools, type LogView } from './log-tools.tsx';
import { Lines } from './lines.tsx';
import { selectLines } from './select-lines.ts';

const WORDS = telemetryWords.logs;

/** What the app has written, and writes. */
export function Logs({ vm }: { vm: Vm }): JSX.Element {
  const [view, setView] = useState<LogView>(() => ({
    search: '',
    errorsOnly: false,
    wraps: true,
    // On a phone they would take a third of each line.
    hasTimes: matchMedia('(width >= 700px)').matches,
  }));
  const { value: lines, problem, retry } = useFollowing<readonly ShownLine[]>(followLogs, vm.id);
  const [frozen, setFrozen] = useState<readonly ShownLine[]>();
  const shown = selectLines(frozen ?? lines ?? [], view);
  if (problem !== undefined) return <FailedQuery problem={problem} onRetry={retry} />;
  return (
    <section>
      <LogTools
        view={view}
        onView={setView}
        isPaused={frozen !== undefined}
        onPause={(pauses) => setFrozen(pauses ? (lines ?? []) : undefined)}
        lines={shown}
        name={vm.vmlabel}
      />
      {!vm.enabled && lines !== undefined && <p class="quiet small">{WORDS.off}</p>}
      {(lines?.length ?? 0) >= MOST_LINES && <p class="quiet small">{WORDS.kept(MOST_LINES)}</p>}
      {shown.length === 0 ? (
        <p class="quiet log-box empty">{(lines?.length ?? 0) > 0 ? WORDS.noMatch : WORDS.empty}</p>
      ) : (
        <Lines lines={shown} view={view} isPaused={frozen !== undefined} />
      )}
    </section>
  );
}
