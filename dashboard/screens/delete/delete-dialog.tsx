import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { Belongings } from '../../api/queries.ts';
import type { Vm } from '../../api/vm-fields.ts';
import { command } from '../../vms/asked.ts';
import { isUp } from '../../vms/vm-facts.ts';
import { Dialog } from '../../parts/dialog.tsx';
import { FailedQuery } from '../../loading/failed-query.tsx';
import { Field } from '../../parts/field.tsx';
import { useQuery } from '../../loading/use-query.ts';
import { vmWords } from '../../words/vm.ts';
import { words } from '../../words/words.ts';
import { lossesOf } from './losses.ts';

/** Says what a deletion takes along. The name must be typed if that cannot be made again. */
export function DeleteDialog({ vm, onClose }: { vm: Vm; onClose: () => void }): JSX.Element {
  const [typed, setTyped] = useState('');
  const { data, problem, reload } = useQuery(Belongings, { id: vm.id });
  const losses = data?.vm == null ? undefined : lossesOf(data.vm);
  const isUnderstood = losses !== undefined && (losses.length === 0 || typed.trim() === vm.vmlabel);
  const submit = (event: Event): void => {
    event.preventDefault();
    if (!isUnderstood) return;
    void command(vm.id, 'delete');
    onClose();
  };
  return (
    <Dialog title={vmWords.remove.title(vm.vmlabel)} onClose={onClose}>
      <form class="stack" onSubmit={submit}>
        {problem !== undefined && <FailedQuery problem={problem} onRetry={reload} />}
        {losses?.length === 0 && <p>{vmWords.remove.nothing}</p>}
        {losses !== undefined && losses.length > 0 && (
          <div>
            <p>{vmWords.remove.forGood}</p>
            <ul>
              {losses.map((loss) => (
                <li key={loss}>{loss}</li>
              ))}
            </ul>
          </div>
        )}
        {isUp(vm) && <p class="bad-text">{vmWords.remove.isRunning}</p>}
        {losses !== undefined && losses.length > 0 && (
          <Field label={vmWords.remove.type(vm.vmlabel)}>
            {(attributes) => (
              <input
                {...attributes}
                autocomplete="off"
                value={typed}
                onInput={(event) => setTyped(event.currentTarget.value)}
              />
            )}
          </Field>
        )}
        <div class="buttons">
          {/* oxlint-disable-next-line jsx-a11y/no-autofocus -- a slip of Enter must not delete */}
          <button type="button" class="button" autofocus onClick={onClose}>
            {words.action.cancel}
          </button>
          <button type="submit" class="button danger" aria-disabled={!isUnderstood}>
            {vmWords.remove.submit}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
