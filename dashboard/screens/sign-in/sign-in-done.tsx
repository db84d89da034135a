import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { Logo } from '../../frame/logo.tsx';
import { signInWords } from '../../words/sign-in.ts';
import { words } from '../../words/words.ts';
import { checkToken } from './check-token.ts';
import { session } from '../../session/session.ts';

/** Where the issuer sends the browser back to. */
export function SignInDone(): JSX.Element {
  const [problem, setProblem] = useState<string>();
  const { route } = useLocation();
  useEffect(() => {
    finish()
      .then((returnTo) => route(returnTo, true))
      .catch((error: unknown) => setProblem(error instanceof Error ? error.message : String(error)));
  }, []);
  return (
    <main class="sign-in">
      <Logo />
      <h1>{signInWords.title}</h1>
      {problem === undefined ? (
        <p role="status">{words.restoring}</p>
      ) : (
        <>
          <p class="problem" role="alert">
            {signInWords.failed} {problem}
          </p>
          <a class="button" href="/sign-in" target="_self">
            {words.action.tryAgain}
          </a>
        </>
      )}
    </main>
  );
}

/** Resolves with the address that the person wanted. */
async function finish(): Promise<string> {
  const address = new URL(location.href);
  // The code leaves address and history before anything can fail or wait.
  history.replaceState(null, '', '/sign-in/done');
  const { finishSignIn } = await import('../../session/oidc.ts');
  const { tokens, returnTo } = await finishSignIn(address);
  const refusal = await checkToken(tokens.token);
  if (refusal !== undefined) throw new Error(refusal);
  session.startIssued(tokens);
  return returnTo;
}
