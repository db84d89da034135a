import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { DeskData, Distribution } from '../../api/desk.ts';
import { isOffered } from '../../account/catalog-facts.ts';
import { desktopName } from '../../vms/vm-facts.ts';
import { Icon } from '../../parts/icons.tsx';
import { createWords as words } from '../../words/create.ts';
import { AvailabilityNote, useAvailability } from './availability-note.tsx';
import { changeDraft, chooseEntry, type Draft } from './draft.ts';

interface WhatProps {
  readonly distributions: readonly Distribution[];
  readonly me: DeskData['me'];
  readonly draft: Draft;
  readonly chosen: Distribution | undefined;
}

/** What the VM runs: a radio group as cards, and the desktop. */
export function What({ distributions, me, draft, chosen }: WhatProps): JSX.Element {
  const [search, setSearch] = useState('');
  const availability = useAvailability(draft.region);
  const offered = distributions.filter((each) => isOffered(each) || each.code === draft.distribution);
  const found = offered.filter(({ name, code }) =>
    `${name} ${code}`.toLowerCase().includes(search.trim().toLowerCase()),
  );
  return (
    <fieldset class="field">
      <legend class="spread">
        <span>{words.what}</span>
      </legend>
      <label class="search">
        <span class="hidden">{words.searchWhat}</span>
        <Icon name="search" />
        <input
          type="search"
          placeholder={words.searchWhat}
          value={search}
          onInput={(event) => setSearch(event.currentTarget.value)}
        />
      </label>
      {found.length === 0 && <p class="quiet">{words.noneFound(search)}</p>}
      <div class="cards options">
        {found.map((each) => (
          <label key={each.code} class="card option">
            <input
              type="radio"
              name="distribution"
              value={each.code}
              checked={each.code === draft.distribution}
              onChange={() => chooseEntry(each, me)}
            />
            <span class="name">{each.name}</span>
            <span class="quiet small">
              <AvailabilityNote state={availability.get(each.code)} sizeMb={each.sizeMb} />
            </span>
          </label>
        ))}
      </div>
      {chosen !== undefined && (
        <>
          <p class="hint">{chosen.description}</p>
          {chosen.deprecated !== null && <p class="problem">{chosen.deprecated}</p>}
          {chosen.desktops.length > 0 && (
            <div class="choices" role="radiogroup" aria-label={words.desktop}>
              <span class="label">{words.desktop}</span>
              {chosen.desktops.map((desktop) => (
                <label key={desktop} class="choice">
                  <input
                    type="radio"
                    name="desktop"
                    checked={desktop === draft.desktop}
                    onChange={() => changeDraft({ desktop })}
                  />
                  {desktopName(desktop)}
                </label>
              ))}
            </div>
          )}
        </>
      )}
    </fieldset>
  );
}
