import type { JSX } from 'preact';
import { useLocation } from 'preact-iso';
import { allVms } from '../../vms/vms.ts';
import { Icon } from '../../parts/icons.tsx';
import { words } from '../../words/words.ts';
import { countVms, SHOWS, SORTS } from './select-vms.ts';
import { addressOf, chooseSort, selectionOf, sort } from './selection.ts';

/** Search, filter and order. All but the order are in the address. */
export function Filters(): JSX.Element {
  const { query, route } = useLocation();
  const selection = selectionOf(query);
  const counts = countVms(allVms.value);
  return (
    <search class="filters">
      <label class="search">
        <span class="hidden">{words.vms.search}</span>
        <Icon name="search" />
        <input
          id="search"
          type="search"
          placeholder={words.vms.search}
          value={selection.search}
          onInput={(event) => route(addressOf({ ...selection, search: event.currentTarget.value }), true)}
        />
      </label>
      <div class="segments" role="group" aria-label={words.vms.show.label}>
        {SHOWS.map((show) => (
          <button
            key={show}
            type="button"
            class="segment"
            aria-pressed={selection.show === show}
            onClick={() => route(addressOf({ ...selection, show }), true)}
          >
            {words.vms.show[show]} <span class="quiet figure">{counts[show]}</span>
          </button>
        ))}
      </div>
      <label class="sort">
        <span class="hidden">{words.vms.sort.label}</span>
        <select
          value={sort.value}
          onChange={(event) => chooseSort(SORTS.find((each) => each === event.currentTarget.value) ?? 'newest')}
        >
          {SORTS.map((each) => (
            <option key={each} value={each}>
              {words.vms.sort[each]}
            </option>
          ))}
        </select>
      </label>
    </search>
  );
}
