import type { JSX } from 'preact';
import type { Distribution } from '../../api/desk.ts';
import { Availability } from '../../api/queries.ts';
import { useQuery } from '../../parts/use-query.ts';
import { createWords as words } from '../../words/create.ts';

/** How an entry of the catalog would get to the region's machine. */
export function AvailabilityNote({ state }: { state: AvailabilityState | undefined }): JSX.Element {
  return (
    <span class={state === 'UNAVAILABLE' ? 'bad-text' : ''}>
      {state === undefined ? '…' : words.availability[state]}
    </span>
  );
}

export type AvailabilityState = keyof typeof words.availability;

/** By code of the entry, for a region. */
export function useAvailability(region: string): ReadonlyMap<Distribution['code'], AvailabilityState> {
  const { data } = useQuery(Availability, { region });
  return new Map(data?.distributions.map(({ code, availability }) => [code, availability]));
}
