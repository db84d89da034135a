import { signal } from '@preact/signals';
import { SHOWS, SORTS, type Selection, type Sort } from './select-vms.ts';

const SORT_KEY = 'swiftor.sort';

/** The order of the list, which this browser remembers. */
export const sort = signal<Sort>(SORTS.find((each) => each === localStorage.getItem(SORT_KEY)) ?? 'newest');

/** What the address says of the list. */
export function selectionOf(query: Readonly<Record<string, string>>): Omit<Selection, 'sort'> {
  return { search: query['q'] ?? '', show: SHOWS.find((show) => show === query['show']) ?? 'all' };
}

/** The address of a list. */
export function addressOf({ search, show }: Omit<Selection, 'sort'>): string {
  const query = new URLSearchParams({ ...(search !== '' && { q: search }), ...(show !== 'all' && { show }) });
  return query.size === 0 ? '/' : `/?${query}`;
}

export function chooseSort(choice: Sort): void {
  sort.value = choice;
  localStorage.setItem(SORT_KEY, choice);
}
