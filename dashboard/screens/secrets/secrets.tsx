import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { ask } from '../../connection/ask.ts';
import { SetSecrets } from '../../api/mutations.ts';
import { VmSecretKeys } from '../../api/queries.ts';
import type { Vm } from '../../api/vm-fields.ts';
import { FailedQuery } from '../../loading/failed-query.tsx';
import { useAction } from '../../loading/use-action.ts';
import { useQuery } from '../../loading/use-query.ts';
import { settingsWords } from '../../words/settings.ts';
import { vmWords } from '../../words/vm.ts';
import { EnvFile } from './env-file.tsx';
import { withChange, type SecretChange } from './secret-changes.ts';
import { SecretForm } from './secret-form.tsx';
import { SecretRow } from './secret-row.tsx';

const WORDS = settingsWords.secrets;
const PASSWORD = 'VM_PASSWORD';

/** The keys of the secrets, and changes that are collected before they are saved. */
export function Secrets({ vm }: { vm: Vm }): JSX.Element {
  // An event may be a change of the secrets, also of another window.
  const { data, problem, reload } = useQuery(VmSecretKeys, { id: vm.id }, vm.lastEventSeq);
  const [changes, setChanges] = useState<readonly SecretChange[]>([]);
  const { problem: failure, isRunning: isSaving, run } = useAction();
  const add = (change: SecretChange): void => setChanges((before) => withChange(before, change));
  const drop = (key: string): void => setChanges((before) => before.filter((each) => each.key !== key));
  const save = async (): Promise<void> => {
    const set = changes.flatMap(({ key, value }) => (value === undefined ? [] : [{ key, value }]));
    const remove = changes.flatMap(({ key, value }) => (value === undefined ? [key] : []));
    if (!(await run(() => ask(SetSecrets, { input: { vmId: vm.id, set, remove } })))) return;
    setChanges((now) => now.filter((change) => !changes.includes(change)));
    reload();
  };
  if (problem !== undefined && data === undefined) return <FailedQuery problem={problem} onRetry={reload} />;
  const stored = (data?.vm?.secrets ?? []).toSorted(
    (one, other) => Number(other.key === PASSWORD) - Number(one.key === PASSWORD),
  );
  const added = changes.filter(({ key, value }) => value !== undefined && !stored.some((each) => each.key === key));
  return (
    <section class="stack wide">
      <p class="quiet">{WORDS.hint}</p>
      <ul class="rows compact" aria-label={vmWords.tabs.secrets}>
        {stored.map(({ key, updatedAt }) => (
          <SecretRow
            key={key}
            vmId={vm.id}
            secretKey={key}
            label={key === PASSWORD ? WORDS.password : undefined}
            updatedAt={updatedAt}
            change={changes.find((each) => each.key === key)}
            onChange={add}
            onUndo={() => drop(key)}
          />
        ))}
        {added.map((change) => (
          <SecretRow
            key={change.key}
            vmId={vm.id}
            secretKey={change.key}
            change={change}
            onChange={add}
            onUndo={() => drop(change.key)}
          />
        ))}
      </ul>
      <SecretForm onAdd={add} />
      <EnvFile onAdd={(lines) => lines.forEach(add)} />
      {changes.length > 0 && (
        <div class="save-bar" role="status">
          <div>
            <p>{WORDS.pending(changes.length)}</p>
            {vm.enabled && <p class="quiet small">{vmWords.replaces}</p>}
          </div>
          <div class="buttons">
            <button type="button" class="button" onClick={() => setChanges([])}>
              {WORDS.discard}
            </button>
            <button type="button" class="button primary" aria-disabled={isSaving} onClick={() => void save()}>
              {isSaving ? WORDS.saving : WORDS.save(changes.length)}
            </button>
          </div>
        </div>
      )}
      {failure !== undefined && (
        <p class="problem" role="alert">
          {[failure.message, ...failure.fields.map(({ message }) => message)].join(' ')}
        </p>
      )}
    </section>
  );
}
