import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { allVms } from '../../vms/vms.ts';
import { useTitle } from '../../frame/use-title.ts';
import { FailedQuery } from '../../loading/failed-query.tsx';
import { activityWords as words } from '../../words/activity.ts';
import { AuditRow } from './audit-row.tsx';
import { useAudit } from './use-audit.ts';

/** The audit of the account. */
export function Activity(): JSX.Element {
  useTitle(words.title);
  const [vmId, setVm] = useState('');
  const [action, setAction] = useState('');
  const known = words.actions.find((each) => each === action);
  const { items: entries, problem, older, reload } = useAudit({ vmId: vmId === '' ? undefined : vmId, action: known });
  const isFiltered = vmId !== '' || known !== undefined;
  return (
    <>
      <div class="title-block">
        <h1>{words.title}</h1>
        <p class="quiet">{words.hint}</p>
      </div>
      {problem !== undefined && entries === undefined && <FailedQuery problem={problem} onRetry={reload} />}
      {entries?.length === 0 && !isFiltered && <p class="quiet">{words.empty}</p>}
      {entries !== undefined && (entries.length > 0 || isFiltered) && (
        <>
          <div class="filters section-tools">
            <Choice
              label={words.vm}
              all={words.allVms}
              value={vmId}
              options={allVms.value.map(({ id, vmlabel }) => [id, vmlabel] as const)}
              onChange={setVm}
            />
            <Choice
              label={words.what}
              all={words.allActions}
              value={action}
              options={words.actions.map((each) => [each, words.action(each, '…')] as const)}
              onChange={setAction}
            />
          </div>
          {entries.length === 0 ? (
            <p class="quiet">{words.noMatch}</p>
          ) : (
            <ol class="rows audit">
              {entries.map((entry) => (
                <AuditRow key={entry.id} entry={entry} hasLink />
              ))}
            </ol>
          )}
        </>
      )}
      {older !== undefined && (
        <button type="button" class="button older" onClick={older}>
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
