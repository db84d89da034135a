import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { ShareVm, VmAccess } from '../../api/access.ts';
import { ask } from '../../connection/ask.ts';
import type { Vm } from '../../api/vm-fields.ts';
import { Copy } from '../../parts/copy.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { Field } from '../../parts/field.tsx';
import { useAction } from '../../loading/use-action.ts';
import { useQuery } from '../../loading/use-query.ts';
import { shareWords } from '../../words/share.ts';
import { words } from '../../words/words.ts';
import { Accesses } from './accesses.tsx';

const ROLES = ['VIEW', 'CONTROL'] as const;
type Role = (typeof ROLES)[number];

/** Makes links for other people, and ends the access of whoever has one. */
export function ShareDialog({ vm, onClose }: { vm: Vm; onClose: () => void }): JSX.Element {
  const [role, setRole] = useState<Role>('VIEW');
  const [lasts, setLasts] = useState('1h');
  const [url, setUrl] = useState<string>();
  const { problem, isRunning, run } = useAction();
  const { data, reload } = useQuery(VmAccess, { id: vm.id });
  const make = async (event: Event): Promise<void> => {
    event.preventDefault();
    setUrl(undefined);
    await run(async () => setUrl((await ask(ShareVm, { vmId: vm.id, role, for: lasts })).shareVm.url));
    reload();
  };
  return (
    <Dialog title={shareWords.title(vm.vmlabel)} onClose={onClose}>
      <form class="stack" onSubmit={(event) => void make(event)}>
        <p class="hint">{shareWords.hint}</p>
        <fieldset>
          <legend class="label">{shareWords.role}</legend>
          <div class="choices">
            {ROLES.map((each) => (
              <label key={each} class="choice">
                <input type="radio" name="role" checked={role === each} onChange={() => setRole(each)} />
                {shareWords[each]}
              </label>
            ))}
          </div>
        </fieldset>
        <Field label={shareWords.lasts}>
          {(attributes) => (
            <select {...attributes} value={lasts} onChange={(event) => setLasts(event.currentTarget.value)}>
              {Object.entries(shareWords.durations).map(([value, text]) => (
                <option key={value} value={value}>
                  {text}
                </option>
              ))}
            </select>
          )}
        </Field>
        {problem !== undefined && (
          <p class="problem" role="alert">
            {problem.message}
          </p>
        )}
        {url !== undefined && (
          <div role="status">
            <p class="address small">
              <code>{url}</code>
              <Copy text={url} label={shareWords.copy} />
            </p>
            <p class="hint">{shareWords.copyNow}</p>
          </div>
        )}
        <Accesses vmId={vm.id} accesses={data?.vm?.openAccess} onEnded={reload} />
        <div class="buttons">
          <button type="button" class="button" onClick={onClose}>
            {words.action.close}
          </button>
          <button type="submit" class="button primary" aria-disabled={isRunning}>
            {isRunning ? shareWords.making : shareWords.make}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
