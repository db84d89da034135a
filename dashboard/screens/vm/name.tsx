import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Vm } from '../../api/vm-fields.ts';
import { Icon } from '../../parts/icons.tsx';
import { useFocus } from '../../parts/use-focus.ts';
import { vmWords } from '../../words/vm.ts';
import { words } from '../../words/words.ts';
import { useRename } from '../commands/use-rename.ts';

/** The name, which can be changed where it stands. */
export function Name({ vm }: { vm: Vm }): JSX.Element {
  const [isEdited, setEdited] = useState(false);
  const edit = useRef<HTMLButtonElement>(null);
  const wasEdited = useRef(false);
  useEffect(() => {
    // Back to where it was before.
    if (wasEdited.current && !isEdited) edit.current?.focus();
    wasEdited.current = isEdited;
  }, [isEdited]);
  if (isEdited) return <NameForm vm={vm} onDone={() => setEdited(false)} />;
  return (
    <h1 class="vm-name">
      {vm.vmlabel}
      <button
        ref={edit}
        type="button"
        class="icon-button inline"
        aria-label={words.command.rename}
        onClick={() => setEdited(true)}
      >
        <Icon name="edit" />
      </button>
    </h1>
  );
}

/** Enter saves, Escape leaves. */
function NameForm({ vm, onDone }: { vm: Vm; onDone: () => void }): JSX.Element {
  const { text, setText, problem, save } = useRename(vm, onDone);
  const input = useFocus<HTMLInputElement>();
  return (
    <form class="rename" onSubmit={save}>
      <h1 class="hidden">{vm.vmlabel}</h1>
      <input
        ref={input}
        aria-label={vmWords.rename.name}
        aria-invalid={problem !== undefined}
        required
        maxLength={100}
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => event.key === 'Escape' && onDone()}
      />
      <button type="submit" class="button primary">
        {words.action.save}
      </button>
      <button type="button" class="button" onClick={onDone}>
        {words.action.cancel}
      </button>
      {problem !== undefined && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
    </form>
  );
}
