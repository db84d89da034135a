import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Problem } from '../../api/problem.ts';
import { Field } from '../../parts/field.tsx';
import { settingsWords } from '../../words/settings.ts';
import { words } from '../../words/words.ts';
import { PortField } from './port-field.tsx';

const WORDS = settingsWords.network;
const WHO = ['PRIVATE', 'PUBLIC'] as const;

interface NameInput {
  readonly name: string;
  readonly internalPort: number;
  readonly visibility: (typeof WHO)[number];
}

/** A further name. Opening one to anyone is asked about once. */
export function NameForm({
  problem,
  onAdd,
}: {
  problem: Problem | undefined;
  onAdd: (input: NameInput) => Promise<boolean>;
}): JSX.Element {
  const [name, setName] = useState('');
  const [port, setPort] = useState('');
  const [visibility, setVisibility] = useState<NameInput['visibility']>('PRIVATE');
  const [isAsking, setAsking] = useState(false);
  const add = async (): Promise<void> => {
    setAsking(false);
    if (!(await onAdd({ name, internalPort: Number(port), visibility }))) return;
    setName('');
    setPort('');
  };
  const submit = (event: Event): void => {
    event.preventDefault();
    if (visibility === 'PUBLIC' && !isAsking) setAsking(true);
    else void add();
  };
  return (
    <form class="stack wide" onSubmit={submit}>
      <div class="two-fields">
        <Field label={WORDS.name} problem={problem?.ofField('name')}>
          {(attributes) => (
            <input
              {...attributes}
              required
              maxLength={26}
              autocapitalize="off"
              spellcheck={false}
              value={name}
              onInput={(event) => setName(event.currentTarget.value)}
            />
          )}
        </Field>
        <PortField label={WORDS.port} problem={problem?.ofField('internalPort')} value={port} onInput={setPort} />
      </div>
      <fieldset>
        <legend class="label">{WORDS.who}</legend>
        <div class="choices">
          {WHO.map((each) => (
            <label key={each} class="choice">
              <input
                type="radio"
                name="visibility"
                checked={visibility === each}
                onChange={() => {
                  setVisibility(each);
                  setAsking(false);
                }}
              />
              {WORDS[each]}
            </label>
          ))}
        </div>
      </fieldset>
      {problem !== undefined && problem.fields.length === 0 && (
        <p class="problem" role="alert">
          {problem.message}
        </p>
      )}
      {isAsking ? (
        <div class="notice warn" role="alert">
          <p>{WORDS.sure}</p>
          <div class="buttons start">
            <button type="button" class="button" onClick={() => setAsking(false)}>
              {words.action.cancel}
            </button>
            <button type="submit" class="button">
              {WORDS.yes}
            </button>
          </div>
        </div>
      ) : (
        <button type="submit" class="button">
          {WORDS.add}
        </button>
      )}
    </form>
  );
}
