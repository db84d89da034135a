import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { lazy, LocationProvider, Route, Router, useLocation } from 'preact-iso';
import { Frame } from './frame/frame.tsx';
import { followAccount } from './live/follow-account.ts';
import { ErrorBoundary } from './parts/error-boundary.tsx';
import { NotFound } from './screens/not-found.tsx';
import { Vms } from './screens/vms/vms.tsx';
import { session } from './session/session.ts';
import { words } from './words/words.ts';

const SignIn = lazy(async () => (await import('./session/sign-in.tsx')).SignIn);
const SignInDone = lazy(async () => (await import('./session/sign-in-done.tsx')).SignInDone);

/** The addresses of the page; all others belong to the APIs. */
const SCREENS = /^\/($|[?#]|(new|vm|catalog|activity|account|sign-in)(\/|\?|$))/;

export function App(): JSX.Element {
  return (
    <LocationProvider scope={SCREENS}>
      <ErrorBoundary>
        <Gate />
      </ErrorBoundary>
    </LocationProvider>
  );
}

/** Who is not signed in sees that at any address, and stays at it. */
function Gate(): JSX.Element {
  const { kind } = session.state.value;
  const { path } = useLocation();
  if (path === '/sign-in/done') return <SignInDone />;
  if (kind === 'restoring') return <p class="centred quiet">{words.signIn.working}</p>;
  return kind === 'in' ? <SignedIn /> : <SignIn />;
}

function SignedIn(): JSX.Element {
  useEffect(followAccount, []);
  return (
    <Frame>
      <Router>
        <Route path="/" component={Vms} />
        <Route path="/sign-in" component={Vms} />
        <Route default component={NotFound} />
      </Router>
    </Frame>
  );
}
