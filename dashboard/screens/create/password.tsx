import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { Copy } from '../../parts/copy.tsx';
import { Field } from '../../parts/field.tsx';
import { createWords as words } from '../../words/create.ts';
import { words as general } from '../../words/words.ts';
import { changeDraft, password } from './draft.ts';
import { makePassword } from './make-password.ts';

/** The password of the app's own sign-in. A made one is shown, because nobody knows it yet. */
export function Password({ problem, hint }: { problem: string | undefined; hint: string }): JSX.Element {
  const [isShown, setShown] = useState(false);
  const change = (value: string): void => {
    password.value = value;
    // Another password is another VM, so it gets another key.
    changeDraft({});
  };
  return (
    <Field label={words.password} hint={hint} problem={problem}>
      {(attributes) => (
        <div class="inline-fields">
          {isShown ? (
            <input {...attributes} {...input(change)} type="text" />
          ) : (
            <input {...attributes} {...input(change)} type="password" />
          )}
          <Copy text={password.value} label={general.action.copy} />
          <button type="button" class="button" aria-pressed={isShown} onClick={() => setShown(!isShown)}>
            {isShown ? general.action.hide : general.action.show}
          </button>
          <button
            type="button"
            class="button"
            onClick={() => {
              change(makePassword());
              setShown(true);
            }}
          >
            {words.makeOne}
          </button>
        </div>
      )}
    </Field>
  );
}

function input(change: (value: string) => void) {
  return {
    class: 'mono wide-input',
    required: true,
    maxLength: 128,
    autocomplete: 'new-password',
    value: password.value,
    onInput: (event: { readonly currentTarget: HTMLInputElement }) => change(event.currentTarget.value),
  } as const;
}
