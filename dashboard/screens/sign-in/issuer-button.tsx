import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { signInWords } from '../../words/sign-in.ts';
import { words } from '../../words/words.ts';
import type { OidcClient } from '../../session/dashboard-config.ts';

/** Leaves for the issuer; the browser comes back to /sign-in/done. */
export function IssuerButton({ client }: { client: OidcClient }): JSX.Element {
  const [problem, setProblem] = useState<string>();
  const [isLeaving, setLeaving] = useState(false);
  const leave = async (): Promise<void> => {
    setLeaving(true);
    setProblem(undefined);
    try {
      const { beginSignIn } = await import('../../session/oidc.ts');
      location.assign(await beginSignIn(client));
    } catch (error) {
      setLeaving(false);
      setProblem(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <>
      <button type="button" class="button primary wide" aria-disabled={isLeaving} onClick={() => void leave()}>
        {isLeaving ? words.restoring : signInWords.with(client.name)}
      </button>
      {problem !== undefined && (
        <p class="problem" role="alert">
          {signInWords.failed} {problem}
        </p>
      )}
    </>
  );
}
