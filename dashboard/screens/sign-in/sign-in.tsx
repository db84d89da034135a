import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Logo } from '../../frame/logo.tsx';
import { signInWords } from '../../words/sign-in.ts';
import { words } from '../../words/words.ts';
import { dashboardConfig, type DashboardConfig } from '../../session/dashboard-config.ts';
import { IssuerButton } from './issuer-button.tsx';
import { PasteToken } from './paste-token.tsx';
import { session } from '../../session/session.ts';

/** In place of every screen while nobody is signed in. */
export function SignIn(): JSX.Element {
  const [config, setConfig] = useState<DashboardConfig>();
  const [isAway, setAway] = useState(false);
  useEffect(() => {
    document.title = `${signInWords.title} · ${words.product}`;
    dashboardConfig().then(setConfig, () => setAway(true));
  }, []);
  const state = session.state.value;
  const reason = state.kind === 'out' ? state.reason : 'new';
  return (
    <main class="sign-in">
      <Logo />
      <h1>{signInWords.title}</h1>
      <p role="status" class="quiet">
        {reason === 'expired' && words.sessionEnded}
        {reason === 'left' && signInWords.left}
        {isAway && signInWords.away}
      </p>
      {config?.oidc == null ? (
        (config !== undefined || isAway) && <PasteToken />
      ) : (
        <>
          <IssuerButton client={config.oidc} />
          <details>
            <summary>{signInWords.otherWays}</summary>
            <PasteToken />
          </details>
        </>
      )}
    </main>
  );
}
