import type { JSX } from 'preact';
import type { HistoryEvent } from '../../api/queries.ts';
import type { Vm } from '../../api/vm-fields.ts';
import { useHistory } from './use-history.ts';
import { FailedQuery } from '../../loading/failed-query.tsx';
import { StatusGlyph } from '../../parts/status.tsx';
import { Time } from '../../parts/time.tsx';
import { failingIn } from '../../vms/vm-facts.ts';
import { vmWords } from '../../words/vm.ts';
import { words } from '../../words/words.ts';

const SHOWN = 12;

/** What has happened to a VM, the newest first. */
export function Timeline({ vm }: { vm: Vm }): JSX.Element {
  const { items: events, problem, reload } = useHistory(vm);
  return (
    <section class="section">
      <div class="spread">
        <h2>{vmWords.timeline.title}</h2>
        <a class="more small" href={`/vm/${vm.id}/activity`}>
          {vmWords.timeline.all}
        </a>
      </div>
      {problem !== undefined && events === undefined && <FailedQuery problem={problem} onRetry={reload} />}
      {events?.length === 0 && <p class="quiet">{vmWords.timeline.empty}</p>}
      <ol class="timeline">
        {events?.slice(0, SHOWN).map((event) => (
          <li key={event.seq}>
            <Time at={event.at} />
            <StatusGlyph status={event.status} />
            <span>{sentenceOf(event)}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}

/** "Stopping · you" */
export function sentenceOf({ kind, status, previousStatus, reason }: HistoryEvent): string {
  const what =
    kind === 'CREATED'
      ? vmWords.timeline.created
      : kind === 'DELETED'
        ? vmWords.timeline.deleted
        : words.statusOf(status, failingIn(previousStatus));
  return [what, words.reason(reason)].filter(Boolean).join(' · ');
}
