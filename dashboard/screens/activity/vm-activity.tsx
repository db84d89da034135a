import type { JSX } from 'preact';
import type { AuditEntry, HistoryEvent } from '../../api/queries.ts';
import type { Vm } from '../../api/vm-fields.ts';
import { useHistory } from '../overview/use-history.ts';
import { FailedQuery } from '../../loading/failed-query.tsx';
import { StatusGlyph } from '../../parts/status.tsx';
import { Time } from '../../parts/time.tsx';
import { activityWords as words } from '../../words/activity.ts';
import { sentenceOf } from '../overview/timeline.tsx';
import { AuditRow } from './audit-row.tsx';
import { useAudit } from './use-audit.ts';
import { weave } from './weave.ts';

/** What people did with the VM, and what happened to it, by time. */
export function VmActivity({ vm }: { vm: Vm }): JSX.Element {
  const audit = useAudit({ vmId: vm.id, version: vm.lastEventSeq });
  const history = useHistory(vm);
  const failed = [audit, history].find(({ items, problem }) => items === undefined && problem !== undefined);
  if (failed?.problem !== undefined) return <FailedQuery problem={failed.problem} onRetry={failed.reload} />;
  if (audit.items === undefined || history.items === undefined) return <></>;
  const items = weave<AuditEntry, HistoryEvent>(
    { items: audit.items, isWhole: audit.older === undefined },
    { items: history.items, isWhole: history.older === undefined },
  );
  const older = (): void => {
    audit.older?.();
    history.older?.();
  };
  return (
    <>
      <ol class="rows audit">
        {items.map((item) =>
          'action' in item ? <AuditRow key={item.id} entry={item} /> : <EventRow key={item.seq} event={item} />,
        )}
      </ol>
      {(audit.older ?? history.older) !== undefined && (
        <button type="button" class="button older" onClick={older}>
          {words.older}
        </button>
      )}
    </>
  );
}

function EventRow({ event }: { event: HistoryEvent }): JSX.Element {
  return (
    <li class="audit-row">
      <span class="quiet figure">
        <Time at={event.at} />
      </span>
      <span class="status-line">
        <StatusGlyph status={event.status} />
        {sentenceOf(event)}
      </span>
    </li>
  );
}
