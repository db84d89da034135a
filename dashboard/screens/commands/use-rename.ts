import { useState } from 'preact/hooks';
import { ask } from '../../connection/ask.ts';
import { UpdateVm } from '../../api/mutations.ts';
import type { Vm } from '../../api/vm-fields.ts';
import { useAction } from '../../loading/use-action.ts';

interface Rename {
  readonly text: string;
  readonly setText: (text: string) => void;
  readonly problem: string | undefined;
  readonly save: (event: Event) => void;
}

/** Another name for a VM. `onDone` is called once it has it. */
export function useRename({ id, vmlabel }: Pick<Vm, 'id' | 'vmlabel'>, onDone: () => void): Rename {
  const [text, setText] = useState(vmlabel);
  const { problem, run } = useAction();
  const save = (event: Event): void => {
    event.preventDefault();
    if (text === vmlabel) return onDone();
    void run(() => ask(UpdateVm, { input: { id, vmlabel: text } })).then((isDone) => isDone && onDone());
  };
  return { text, setText, problem: problem?.ofField('vmlabel') ?? problem?.message, save };
}
