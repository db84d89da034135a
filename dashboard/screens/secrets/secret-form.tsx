import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { Field } from '../../parts/field.tsx';
import { settingsWords } from '../../words/settings.ts';
import { isSecretKey, type SecretChange } from './secret-changes.ts';

const WORDS = settingsWords.secrets;

/** A further secret. */
export function SecretForm({ onAdd }: { onAdd: (change: SecretChange) => void }): JSX.Element {
  const [key, setKey] = useState('');
  const [value, setValue] = useState('');
  const [isChecked, setChecked] = useState(false);
  const problem = isChecked && !isSecretKey(key) ? WORDS.badKey : undefined;
  const submit = (event: Event): void => {
    event.preventDefault();
    setChecked(true);
    if (!isSecretKey(key)) return;
    onAdd({ key, value });
    setKey('');
    setValue('');
    setChecked(false);
  };
  return (
    <form class="panel stack wide" onSubmit={submit}>
      <h2>{WORDS.add}</h2>
      <div class="two-fields">
        <Field label={WORDS.key} problem={problem}>
          {(attributes) => (
            <input
              {...attributes}
              class="mono"
              required
              maxLength={128}
              autocapitalize="characters"
              autocomplete="off"
              spellcheck={false}
              value={key}
              onInput={(event) => setKey(event.currentTarget.value)}
            />
          )}
        </Field>
        <Field label={WORDS.value}>
          {(attributes) => (
            <textarea
              {...attributes}
              class="mono"
              rows={1}
              autocomplete="off"
              spellcheck={false}
              value={value}
              onInput={(event) => setValue(event.currentTarget.value)}
            />
          )}
        </Field>
      </div>
      <button type="submit" class="button">
        {WORDS.add}
      </button>
    </form>
  );
}
