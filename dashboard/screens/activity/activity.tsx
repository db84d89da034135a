import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useTitle } from '../../parts/use-title.ts';
import { FailedQuery } from '../../parts/failed-query.tsx';
import { activityWords as words } from '../../words/activity.ts';
import { AuditRow } from './audit-row.tsx';
import { useAudit } from './use-audit.ts';

/** The audit of the account. */
export function Activity(): JSX.Element {
  useTitle(words.title);
  const { entries, problem, older } = useAudit();
  const [vm, setVm] = useState('');
  const [action, setAction] = useState('');
  const shown = entries?.filter(
    (entry) => (vm === '' || entry.vmId === vm) && (action === '' || entry.action === action),
  );
  const vms = new Map(entries?.toReversed().map((entry) => [entry.vmId, entry.vmlabel]));
  const actions = [...new Set(entries?.map((entry) => entry.action))];
  return (
    <>
      <div class="title-block">
        <h1>{words.title}</h1>
        <p class="quiet">{words.hint}</p>
      </div>
      {problem !== undefined && entries === undefined && (
        <FailedQuery problem={problem} onRetry={() => location.reload()} />
      )}
      {entries?.length === 0 && <p class="quiet">{words.empty}</p>}
      {entries !== undefined && entries.length > 0 && (
        <>
          <div class="filters section-tools">
            <Choice label={words.vm} all={words.allVms} value={vm} options={[...vms]} onChange={setVm} />
            <Choice
              label={words.what}
              all={words.allActions}
              value={action}
              options={actions.map((each) => [each, words.action(each, '…')] as const)}
              onChange={setAction}
            />
            {(vm !== '' || action !== '') && <span class="quiet small">{words.ofShown(entries.length)}</span>}
          </div>
          {shown?.length === 0 && <p class="quiet">{words.noMatch}</p>}
          <ol class="rows audit">
            {shown?.map((entry) => (
              <AuditRow key={`${entry.at} ${entry.action} ${entry.vmId}`} entry={entry} hasLink />
            ))}
          </ol>
        </>
      )}
      {older !== undefined && (
        <button type="button" class="button older" onClick={() => void older()}>
          {words.older}
        </button>
      )}
    </>
  );
}

interface ChoiceProps {
  readonly label: string;
  readonly all: string;
  readonly value: string;
  readonly options: readonly (readonly [string, string])[];
  readonly onChange: (value: string) => void;
}

function Choice({ label, all, value, options, onChange }: ChoiceProps): JSX.Element {
  return (
    <label>
      <span class="hidden">{label}</span>
      <select value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        <option value="">{all}</option>
        {options.map(([code, name]) => (
          <option key={code} value={code}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}
