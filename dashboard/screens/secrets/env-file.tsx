import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { Field } from '../../parts/field.tsx';
import { plural } from '../../words/format.ts';
import { settingsWords } from '../../words/settings.ts';
import { parseEnvFile, type SecretChange } from './secret-changes.ts';

const WORDS = settingsWords.secrets;

/** Many secrets at once, with what will come of the text. */
export function EnvFile({ onAdd }: { onAdd: (lines: readonly SecretChange[]) => void }): JSX.Element {
  const [text, setText] = useState('');
  const lines = parseEnvFile(text);
  const take = (event: Event): void => {
    event.preventDefault();
    onAdd(lines);
    setText('');
  };
  return (
    <details class="wide">
      <summary>{WORDS.paste}</summary>
      <form class="stack" onSubmit={take}>
        <Field label={WORDS.paste} hint={WORDS.pasteHint}>
          {(attributes) => (
            <textarea
              {...attributes}
              class="mono"
              rows={6}
              spellcheck={false}
              value={text}
              onInput={(event) => setText(event.currentTarget.value)}
            />
          )}
        </Field>
        {lines.length > 0 && (
          <p class="quiet small">{`${plural(lines.length, 'line')}: ${lines.map(({ key }) => key).join(', ')}`}</p>
        )}
        <button type="submit" class="button" aria-disabled={lines.length === 0}>
          {WORDS.take}
        </button>
      </form>
    </details>
  );
}
