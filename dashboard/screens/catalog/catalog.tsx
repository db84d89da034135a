import type { JSX } from 'preact';
import type { Distribution } from '../../api/desk.ts';
import { isOffered } from '../../account/catalog-facts.ts';
import { desk, deskProblem, loadDesk } from '../../account/desk.ts';
import { desktopName } from '../../vms/vm-facts.ts';
import { FailedQuery } from '../../loading/failed-query.tsx';
import { useTitle } from '../../frame/use-title.ts';
import { createWords as words } from '../../words/create.ts';
import { and } from '../../words/format.ts';
import { words as general } from '../../words/words.ts';
import { AvailabilityNote, useAvailability, type AvailabilityState } from '../create/availability-note.tsx';

const KINDS = ['WEBTOP', 'PREMADE'] as const;

/** What a VM can run. */
export function Catalog(): JSX.Element {
  useTitle(words.catalog);
  const entries = desk.value?.distributions ?? [];
  const availability = useAvailability(desk.value?.regions[0]?.code ?? '');
  return (
    <>
      <div class="title-block">
        <h1>{words.catalog}</h1>
        <p class="quiet">{words.catalogHint}</p>
      </div>
      {desk.value === undefined && deskProblem.value !== undefined && (
        <FailedQuery problem={deskProblem.value} onRetry={() => void loadDesk()} />
      )}
      {KINDS.map((kind) => {
        const all = entries.filter((entry) => entry.kind === kind);
        const own = [...all.filter(isOffered), ...all.filter((entry) => !isOffered(entry))];
        return (
          own.length > 0 && (
            <section key={kind} class="section">
              <h2>{words.kinds[kind]}</h2>
              <ul class="cards">
                {own.map((entry) => (
                  <Entry key={entry.code} entry={entry} availability={availability.get(entry.code)} />
                ))}
              </ul>
            </section>
          )
        );
      })}
    </>
  );
}

function Entry({
  entry,
  availability,
}: {
  entry: Distribution;
  availability: AvailabilityState | undefined;
}): JSX.Element {
  const { code, name, description, desktops, deprecated, keeps, portForwarding, ports, recommended, sizeMb } = entry;
  return (
    <li class="card">
      <h3>{name}</h3>
      <p class="small">{description}</p>
      <p class="quiet small">
        <AvailabilityNote state={availability} sizeMb={sizeMb} />
        {desktops.length > 0 && ` · ${and(desktops.map(desktopName))}`}
      </p>
      <p class="quiet small">{words.recommended(general.size(recommended.cpu, recommended.ram))}</p>
      {keeps.length > 0 && <p class="quiet small">{words.keeps(and(keeps))}</p>}
      {(portForwarding || ports.length > 0) && <p class="quiet small">{words.ports}</p>}
      {deprecated !== null && (
        <p class="problem">
          {words.deprecated}: {deprecated}
        </p>
      )}
      <span class="grow" />
      <a class="button small" href={`/new?from=${code}`} aria-label={`${words.make}: ${name}`}>
        {words.make}
      </a>
    </li>
  );
}
