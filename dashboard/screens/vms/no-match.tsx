import type { JSX } from 'preact';
import { words } from '../../words/words.ts';

/** The filter leaves nothing over. */
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
