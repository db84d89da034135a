import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { ask } from '../../api/ask.ts';
import { UpdateVm } from '../../api/mutations.ts';
import { toProblem } from '../../api/problem.ts';
import type { Vm } from '../../api/vm-fields.ts';
import { Icon } from '../../parts/icons.tsx';
import { vmWords as words } from '../../words/vm.ts';

/** The name, which can be changed where it stands: Enter saves, Escape leaves. */
export function Name({ vm }: { vm: Vm }): JSX.Element {
  const [text, setText] = useState<string>();
  const [problem, setProblem] = useState<string>();
  const save = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (text === undefined) return;
    try {
      if (text !== vm.vmlabel) await ask(UpdateVm, { input: { id: vm.id, vmlabel: text } });
      setText(undefined);
      setProblem(undefined);
    } catch (error) {
      setProblem(toProblem(error).message);
    }
  };
  if (text === undefined) {
    return (
      <h1 class="vm-name">
        {vm.vmlabel}
        <button
          type="button"
          class="icon-button inline"
          aria-label={words.rename.edit}
          onClick={() => setText(vm.vmlabel)}
        >
          <Icon name="edit" />
        </button>
      </h1>
    );
  }
  return (
    <form class="rename" onSubmit={(event) => void save(event)}>
      {/* oxlint-disable-next-line jsx-a11y/no-autofocus -- somebody has just asked to type here */}
      <input
        autofocus
        aria-label={words.rename.name}
        aria-invalid={problem !== undefined}
        required
        maxLength={100}
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => event.key === 'Escape' && setText(undefined)}
        onBlur={(event) => void save(event)}
      />
      {problem !== undefined && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
    </form>
  );
}
