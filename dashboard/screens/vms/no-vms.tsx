import type { JSX } from 'preact';
import { desk } from '../../account/desk.ts';
import { firstOffers } from '../../account/catalog-facts.ts';
import { words } from '../../words/words.ts';
import { useAvailability } from '../create/availability-note.tsx';

/** The first visit: what a VM is, and the way to one. */
export function NoVms(): JSX.Element {
  const { distributions = [], regions = [] } = desk.value ?? {};
  const availability = useAvailability(regions[0]?.code ?? '');
  return (
    <section class="empty">
      <h2>{words.vms.empty}</h2>
      <p class="quiet">{words.vms.emptyHint}</p>
      <p class="quiet">{words.vms.emptyStart}</p>
      <ul class="cards">
        {firstOffers(distributions, availability).map(({ code, name, description }) => (
          <li key={code}>
            <a class="card" href={`/new?from=${code}`}>
              <span class="name">{name}</span>
              <span class="quiet small">{description}</span>
            </a>
          </li>
        ))}
      </ul>
    </section>
  );
}
