import type { JSX } from 'preact';
import type { Vm } from '../../api/vm-fields.ts';
import { Dialog } from '../../parts/dialog.tsx';
import { Field } from '../../parts/field.tsx';
import { vmWords } from '../../words/vm.ts';
import { words } from '../../words/words.ts';
import { useRename } from './use-rename.ts';

export function RenameDialog({ vm, onClose }: { vm: Vm; onClose: () => void }): JSX.Element {
  const { text, setText, problem, save } = useRename(vm, onClose);
  return (
    <Dialog title={vmWords.rename.title(vm.vmlabel)} onClose={onClose}>
      <form class="stack" onSubmit={save}>
        <Field label={vmWords.rename.name} problem={problem}>
          {(attributes) => (
            <input
              {...attributes}
              required
              maxLength={100}
              value={text}
              onInput={(event) => setText(event.currentTarget.value)}
            />
          )}
        </Field>
        <div class="buttons">
          <button type="button" class="button" onClick={onClose}>
            {words.action.cancel}
          </button>
          <button type="submit" class="button primary">
            {words.action.save}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
