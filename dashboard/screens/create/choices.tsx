import type { JSX } from 'preact';
import type { Region } from '../../api/desk.ts';
import { createWords as words } from '../../words/create.ts';
import { changeDraft, type Draft } from './draft.ts';

/** The region. */
export function Where({ regions, draft }: { regions: readonly Region[]; draft: Draft }): JSX.Element {
  return (
    <fieldset class="field">
      <legend>{words.where}</legend>
      {regions.map(({ code, name, available, problem }) => (
        <label key={code} class="choice">
          <input
            type="radio"
            name="region"
            checked={code === draft.region}
            onChange={() => changeDraft({ region: code })}
          />
          <span>
            {name}{' '}
            <span class={available ? 'quiet small' : 'bad-text small'}>
              {available ? words.available : (problem ?? words.unavailable)}
            </span>
          </span>
        </label>
      ))}
    </fieldset>
  );
}

/** Whether its files outlive a stop. */
export function Files({ gb, draft }: { gb: number; draft: Draft }): JSX.Element {
  const options = [
    { isKept: true, label: words.keep, hint: words.keepHint(gb) },
    { isKept: false, label: words.discard, hint: words.discardHint },
  ];
  return (
    <fieldset class="field">
      <legend>{words.files}</legend>
      {options.map(({ isKept, label, hint }) => (
        <label key={label} class="choice">
          <input type="radio" name="files" checked={draft.isKept === isKept} onChange={() => changeDraft({ isKept })} />
          <span>
            {label} <span class="quiet small">{hint}</span>
          </span>
        </label>
      ))}
    </fieldset>
  );
}
