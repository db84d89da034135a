import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useFocus } from '../../parts/use-focus.ts';
import { settingsWords } from '../../words/settings.ts';
import { words } from '../../words/words.ts';

const WORDS = settingsWords.secrets;

interface ReplaceSecretProps {
  readonly secretKey: string;
  readonly onReplace: (value: string) => void;
  readonly onCancel: () => void;
}

/** Another value for a secret. */
export function ReplaceSecret({ secretKey, onReplace, onCancel }: ReplaceSecretProps): JSX.Element {
  const [value, setValue] = useState('');
  const input = useFocus<HTMLTextAreaElement>();
  const submit = (event: Event): void => {
    event.preventDefault();
    onReplace(value);
  };
  return (
    <form class="secret-value inline-fields" onSubmit={submit}>
      <textarea
        ref={input}
        class="mono"
        required
        rows={2}
        aria-label={`${WORDS.value} ${secretKey}`}
        spellcheck={false}
        autocomplete="off"
        value={value}
        onInput={(event) => setValue(event.currentTarget.value)}
        onKeyDown={(event) => event.key === 'Escape' && onCancel()}
      />
      <button type="submit" class="button">
        {WORDS.replace}
      </button>
      <button type="button" class="button" onClick={onCancel}>
        {words.action.cancel}
      </button>
    </form>
  );
}
