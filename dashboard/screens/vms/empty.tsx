import type { JSX } from 'preact';
import { desk } from '../../live/desk.ts';
import { words } from '../../words/words.ts';

const MOST_CARDS = 6;

/** The first visit: what a VM is, and the way to one. */
export function NoVms(): JSX.Element {
  const offers = desk.value?.distributions.filter(({ deprecated }) => deprecated === null).slice(0, MOST_CARDS) ?? [];
  return (
    <section class="empty">
      <h2>{words.vms.empty}</h2>
      <p class="quiet">{words.vms.emptyHint}</p>
      <p class="quiet">{words.vms.emptyStart}</p>
      <ul class="cards">
        {offers.map(({ code, name, description }) => (
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

export function NoMatch({ search }: { search: string }): JSX.Element {
  return (
    <section class="empty">
      <h2>{words.vms.noMatch(search)}</h2>
      <a class="button" href="/">
        {words.vms.showAll}
      </a>
    </section>
  );
}
