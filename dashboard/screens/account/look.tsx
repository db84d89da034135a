import type { JSX } from 'preact';
import { hasSingleKeys, setSingleKeys } from '../../frame/shortcuts.ts';
import { appearance, APPEARANCES, chooseAppearance } from '../../session/appearance.ts';
import { accountWords as words } from '../../words/account.ts';

/** Light or dark, and the keys. */
export function Look(): JSX.Element {
  return (
    <>
      <section class="panel">
        <h2 id="look">{words.look}</h2>
        <div class="choices" role="radiogroup" aria-labelledby="look">
          {APPEARANCES.map((each) => (
            <label key={each} class="choice">
              <input
                type="radio"
                name="appearance"
                checked={appearance.value === each}
                onChange={() => chooseAppearance(each)}
              />
              {words.looks[each]}
            </label>
          ))}
        </div>
      </section>
      <section class="panel" id="keyboard">
        <h2>{words.keyboard}</h2>
        <dl class="pairs">
          {words.keys.map(([keys, what]) => (
            <div key={keys} class="pair">
              <dt>
                <kbd>{keys}</kbd>
              </dt>
              <dd>{what}</dd>
            </div>
          ))}
        </dl>
        <label class="choice">
          <input
            type="checkbox"
            checked={hasSingleKeys.value}
            onChange={(event) => setSingleKeys(event.currentTarget.checked)}
          />
          {words.singleKeys}
        </label>
      </section>
    </>
  );
}
