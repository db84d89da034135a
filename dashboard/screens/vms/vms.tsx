import { computed } from '@preact/signals';
import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { desk, deskProblem, loadDesk } from '../../account/desk.ts';
import { allVms, isComplete, vmIds } from '../../vms/vms.ts';
import { FailedQuery } from '../../loading/failed-query.tsx';
import { Icon } from '../../parts/icons.tsx';
import { later } from '../../loading/later.tsx';
import { useTitle } from '../../frame/use-title.ts';
import { words } from '../../words/words.ts';
import { Filters } from './filters.tsx';
import { NoMatch } from './no-match.tsx';
import { selectionOf, sort } from './selection.ts';
import { keepIfSame, selectVms, type Selection } from './select-vms.ts';
import { UsageMeters } from './usage-meters.tsx';
import { VmRow } from './vm-row.tsx';

const NoVms = later(async () => (await import('./no-vms.tsx')).NoVms);
const SKELETON_ROWS = ['1', '2', '3', '4', '5', '6'];

/** The list of VMs, as the event stream says. */
export function Vms(): JSX.Element {
  useTitle(words.vms.title);
  const { query } = useLocation();
  const isEmpty = isComplete.value && vmIds.value.length === 0;
  return (
    <>
      <div class="title-bar">
        <h1>{words.vms.title}</h1>
        <a class="button primary" href="/new">
          <Icon name="plus" />
          {words.vms.create}
        </a>
      </div>
      {deskProblem.value !== undefined && desk.value === undefined && (
        <FailedQuery problem={deskProblem.value} onRetry={() => void loadDesk()} />
      )}
      {!isEmpty && (
        <div class="tool-bar">
          <Filters />
          <UsageMeters />
        </div>
      )}
      {isEmpty ? <NoVms /> : <Rows {...selectionOf(query)} />}
    </>
  );
}

function Rows({ search, show }: Omit<Selection, 'sort'>): JSX.Element {
  const ids = useMemo(() => {
    let last: readonly string[] = [];
    return computed(() => (last = keepIfSame(last, selectVms(allVms.value, { search, show, sort: sort.value }))));
  }, [search, show]);
  if (vmIds.value.length === 0) return <Skeleton />;
  if (ids.value.length === 0) return <NoMatch search={search} />;
  return (
    <ul class="rows" aria-label={words.vms.title}>
      {ids.value.map((id) => (
        <VmRow key={id} id={id} />
      ))}
    </ul>
  );
}

function Skeleton(): JSX.Element {
  return (
    <ul class="rows skeleton" aria-label={words.loading} aria-busy="true">
      {SKELETON_ROWS.map((row) => (
        <li key={row} class="row">
          <span class="ghost" />
          <span class="ghost wide" />
          <span class="ghost" />
        </li>
      ))}
    </ul>
  );
}
