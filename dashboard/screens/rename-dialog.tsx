import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { ask } from '../api/ask.ts';
import { UpdateVm } from '../api/mutations.ts';
import { toProblem } from '../api/problem.ts';
import type { Vm } from '../api/vm-fields.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Field } from '../parts/field.tsx';
import { vmWords } from '../words/vm.ts';
import { words } from '../words/words.ts';

export function RenameDialog({ vm, onClose }: { vm: Vm; onClose: () => void }): JSX.Element {
  const [vmlabel, setLabel] = useState(vm.vmlabel);
  const [problem, setProblem] = useState<string>();
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    try {
      await ask(UpdateVm, { input: { id: vm.id, vmlabel } });
      onClose();
    } catch (error) {
      setProblem(toProblem(error).message);
    }
  };
  return (
    <Dialog title={vmWords.rename.title(vm.vmlabel)} onClose={onClose}>
      <form class="stack" onSubmit={(event) => void submit(event)}>
        <Field label={vmWords.rename.name} problem={problem}>
          {(attributes) => (
            <input
              {...attributes}
              required
              maxLength={100}
              value={vmlabel}
              onInput={(event) => setLabel(event.currentTarget.value)}
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
