import type { JSX } from 'preact';
import type { AuditEntry } from '../../api/queries.ts';
import type { HistoryEvent } from '../../api/subscriptions.ts';
import type { Vm } from '../../api/vm-fields.ts';
import { followHistory } from '../../live/follow-history.ts';
import { FailedQuery } from '../../parts/failed-query.tsx';
import { StatusGlyph } from '../../parts/status.tsx';
import { Time } from '../../parts/time.tsx';
import { useFollowing } from '../../parts/use-following.ts';
import { activityWords as words } from '../../words/activity.ts';
import { sentenceOf } from '../vm/timeline.tsx';
import { AuditRow } from './audit-row.tsx';
import { useAudit } from './use-audit.ts';

type Item = { readonly at: string; readonly entry: AuditEntry } | { readonly at: string; readonly event: HistoryEvent };

/** What people did with the VM, and what happened to it, by time. */
export function VmActivity({ vm }: { vm: Vm }): JSX.Element {
  const { entries, problem, older } = useAudit({ vmId: vm.id });
  const { value: events = [] } = useFollowing<readonly HistoryEvent[]>(followHistory, vm.id);
  if (problem !== undefined && entries === undefined)
    return <FailedQuery problem={problem} onRetry={() => location.reload()} />;
  const items: Item[] = [
    ...(entries ?? []).map((entry) => ({ at: entry.at, entry })),
    ...events.map((event) => ({ at: event.at, event })),
  ];
  return (
    <>
      <ol class="rows audit">
        {items
          .toSorted((one, other) => other.at.localeCompare(one.at))
          .map((item) =>
            'entry' in item ? (
              <AuditRow key={`${item.at} ${item.entry.action}`} entry={item.entry} />
            ) : (
              <li key={`event ${item.event.seq}`} class="audit-row">
                <span class="quiet figure">
                  <Time at={item.at} />
                </span>
                <span class="status-line">
                  <StatusGlyph status={item.event.status} />
                  {sentenceOf(item.event)}
                </span>
              </li>
            ),
          )}
      </ol>
      {older !== undefined && (
        <button type="button" class="button older" onClick={() => void older()}>
          {words.older}
        </button>
      )}
    </>
  );
}
