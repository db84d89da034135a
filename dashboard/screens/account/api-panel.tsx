import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { desk } from '../../account/desk.ts';
import { Copy } from '../../parts/copy.tsx';
import { dashboardConfig } from '../../session/dashboard-config.ts';
import { accountWords as words } from '../../words/account.ts';
import { words as general } from '../../words/words.ts';

/** How to do all this without the page. */
export function ApiPanel(): JSX.Element {
  const [hasGraphiql, setGraphiql] = useState(false);
  useEffect(() => {
    dashboardConfig().then(
      ({ graphiql }) => setGraphiql(graphiql),
      () => undefined,
    );
  }, []);
  const line = words.curl(location.origin);
  return (
    <section class="panel stack wide">
      <h2>{words.api}</h2>
      <p class="quiet">{words.apiHint}</p>
      <p class="command wide">
        <code>{line}</code>
        <Copy text={line} label={general.action.copy} />
      </p>
      <p class="choices">
        {hasGraphiql && (
          <a class="more" href="/graphql" target="_blank" rel="noreferrer">
            {words.graphiql}
          </a>
        )}
        <a class="more" href="/openapi.json" target="_blank" rel="noreferrer">
          {words.openapi}
        </a>
      </p>
      {desk.value !== undefined && <p class="quiet small">{words.version(desk.value.gateway.version)}</p>}
    </section>
  );
}
