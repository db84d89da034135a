import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { Copy } from '../../parts/copy.tsx';
import { Field } from '../../parts/field.tsx';
import { signInWords } from '../../words/sign-in.ts';
import { words } from '../../words/words.ts';
import { checkToken } from './check-token.ts';
import { session } from '../../session/session.ts';

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
      <Field label={signInWords.paste} problem={problem}>
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
        {signInWords.keep}
      </label>
      <button type="submit" class="button primary wide" aria-disabled={isChecking}>
        {isChecking ? words.restoring : signInWords.submit}
      </button>
      <div class="hint">
        <p>{signInWords.hint}</p>
        <p class="command">
          <code>{signInWords.command}</code>
          <Copy text={signInWords.command} label={words.action.copy} />
        </p>
      </div>
    </form>
  );
}
