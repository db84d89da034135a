import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import type { Distribution } from '../../api/desk.ts';
import { Availability } from '../../api/queries.ts';
import { useQuery } from '../../loading/use-query.ts';
import { createWords as words } from '../../words/create.ts';

/** The gateway is asking engine and registries. */
const AGAIN_MS = 3_000;

/** How an entry of the catalog would get to the region's machine. */
export function AvailabilityNote({
  state,
  sizeMb,
}: {
  state: AvailabilityState | undefined;
  sizeMb: number | null;
}): JSX.Element {
  if (state === 'DOWNLOAD' && sizeMb !== null) return <span>{words.downloads(sizeMb)}</span>;
  return (
    <span class={state === 'UNAVAILABLE' ? 'bad-text' : ''}>
      {state === undefined ? '…' : words.availability[state]}
    </span>
  );
}

export type AvailabilityState = keyof typeof words.availability;

/** By code of the entry, for a region. */
export function useAvailability(region: string): ReadonlyMap<Distribution['code'], AvailabilityState> {
  const { data, reload } = useQuery(Availability, { region });
  const isKnown = data?.distributions.every(({ availability }) => availability !== 'UNKNOWN');
  useEffect(() => {
    if (isKnown !== false) return undefined;
    const timer = setTimeout(reload, AGAIN_MS);
    return () => clearTimeout(timer);
  }, [data, isKnown, reload]);
  return new Map(data?.distributions.map(({ code, availability }) => [code, availability]));
}
