import type { JSX } from 'preact';
import { desk, deskProblem, loadDesk } from '../../account/desk.ts';
import { FailedQuery } from '../../loading/failed-query.tsx';
import { useTitle } from '../../frame/use-title.ts';
import { readRefresh } from '../../session/token-storage.ts';
import { session } from '../../session/session.ts';
import { signOut } from '../../session/sign-out.ts';
import { accountWords as words } from '../../words/account.ts';
import { ApiPanel } from './api-panel.tsx';
import { Look } from './look.tsx';
import { Plans } from './plans.tsx';

/** Plan, regions, session, appearance, keyboard, API. */
export function Account(): JSX.Element {
  useTitle(words.title);
  const state = session.state.value;
  const { me, plans = [], regions = [] } = desk.value ?? {};
  return (
    <>
      <div class="title-bar">
        <h1>{words.title}</h1>
      </div>
      {me === undefined && deskProblem.value !== undefined && (
        <FailedQuery problem={deskProblem.value} onRetry={() => void loadDesk()} />
      )}
      <div class="stack wide">
        {me !== undefined && <Plans me={me} plans={plans} />}
        <section class="panel">
          <h2>{words.regions}</h2>
          <ul class="plain entries">
            {regions.map(({ code, name, available, problem }) => (
              <li key={code} class="entry">
                <span>{name}</span>
                <span class={available ? 'quiet' : 'bad-text'}>
                  {available ? words.available : (problem ?? words.unavailable)}
                </span>
              </li>
            ))}
          </ul>
        </section>
        <section class="panel spread">
          <div>
            <h2>{words.session}</h2>
            <p>{state.kind === 'in' && words.signedIn(me?.userId ?? state.userId ?? '', state.expiresAt)}</p>
            {readRefresh()?.refreshToken !== undefined && <p class="quiet">{words.renewed}</p>}
          </div>
          <button type="button" class="button" onClick={() => void signOut()}>
            {words.signOut}
          </button>
        </section>
        <Look />
        <ApiPanel />
      </div>
    </>
  );
}
