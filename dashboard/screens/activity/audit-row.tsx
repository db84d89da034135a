import type { JSX } from 'preact';
import type { AuditEntry } from '../../api/queries.ts';
import { vmSignal } from '../../vms/vms.ts';
import { Time } from '../../parts/time.tsx';
import { activityWords as words } from '../../words/activity.ts';

const MARK = '\u0000';

/** One action: when, who, what, from where. */
export function AuditRow({ entry, hasLink = false }: { entry: AuditEntry; hasLink?: boolean }): JSX.Element {
  const { action, actor, address, at, count, details, vmId, vmlabel } = entry;
  const [before = '', after = ''] = words.action(action, MARK).split(MARK);
  const isThere = vmSignal(vmId).value !== undefined;
  return (
    <li class="audit-row">
      <span class="quiet figure">
        <Time at={at} />
      </span>
      <span>
        <strong>{actor ?? words.visitor}</strong> {before}
        {hasLink && isThere ? <a href={`/vm/${vmId}`}>{vmlabel}</a> : vmlabel}
        {after} {count > 1 && <span class="quiet">{words.times(count)}</span>}
        {details.length > 0 && <span class="quiet small details">{details.map(words.detail).join(', ')}</span>}
      </span>
      <code class="quiet">{address}</code>
    </li>
  );
}
