import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { Copy } from '../parts/copy.tsx';
import { Field } from '../parts/field.tsx';
import { words } from '../words/words.ts';
import { checkToken } from './check-token.ts';
import { session } from './session.ts';

/** Signs in with a token from the gateway's command line. */
export function PasteToken(): JSX.Element {
  const [token, setToken] = useState('');
  const [inBrowser, setInBrowser] = useState(false);
  const [problem, setProblem] = useState<string>();
  const [isChecking, setChecking] = useState(false);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (isChecking) return;
    setChecking(true);
    const found = await checkToken(token.trim());
    setChecking(false);
    setProblem(found);
    if (found === undefined) session.start(token.trim(), { inBrowser });
  };
  return (
    <form class="stack" onSubmit={(event) => void submit(event)}>
      <Field label={words.signIn.paste} problem={problem}>
        {(attributes) => (
          <textarea
            {...attributes}
            class="mono"
            rows={4}
            required
            spellcheck={false}
            autocomplete="off"
            autocapitalize="off"
            value={token}
            onInput={(event) => setToken(event.currentTarget.value)}
            onKeyDown={(event) => {
              if (event.key !== 'Enter' || event.shiftKey) return;
              event.preventDefault();
              event.currentTarget.form?.requestSubmit();
            }}
          />
        )}
      </Field>
      <label class="choice">
        <input type="checkbox" checked={inBrowser} onChange={(event) => setInBrowser(event.currentTarget.checked)} />
        {words.signIn.keep}
      </label>
      <button type="submit" class="button primary wide" aria-disabled={isChecking}>
        {isChecking ? words.signIn.working : words.signIn.submit}
      </button>
      <div class="hint">
        <p>{words.signIn.hint}</p>
        <p class="command">
          <code>{words.signIn.command}</code>
          <Copy text={words.signIn.command} label={words.action.copy} />
        </p>
      </div>
    </form>
  );
}
