import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { LocationProvider, Route, Router, useLocation } from 'preact-iso';
import { Frame } from './frame/frame.tsx';
import { followAccount } from './account/follow-account.ts';
import { ErrorBoundary } from './loading/error-boundary.tsx';
import { later } from './loading/later.tsx';
import { NotFound } from './screens/not-found.tsx';
import { Vms } from './screens/vms/vms.tsx';
import { session } from './session/session.ts';
import { words } from './words/words.ts';

const Create = later(async () => (await import('./screens/create/create.tsx')).Create);
const Catalog = later(async () => (await import('./screens/catalog/catalog.tsx')).Catalog);
const VmScreen = later(async () => (await import('./screens/vm/vm.tsx')).VmScreen);
const Activity = later(async () => (await import('./screens/activity/activity.tsx')).Activity);
const Account = later(async () => (await import('./screens/account/account.tsx')).Account);
const SignIn = later(async () => (await import('./screens/sign-in/sign-in.tsx')).SignIn);
const SignInDone = later(async () => (await import('./screens/sign-in/sign-in-done.tsx')).SignInDone);

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
  const state = session.state.value;
  const { path } = useLocation();
  if (path === '/sign-in/done') return <SignInDone />;
  if (state.kind === 'restoring')
    return (
      <p class="centred quiet" role="status">
        {state.isLate ? words.restoringLate : words.restoring}
      </p>
    );
  return state.kind === 'in' ? <SignedIn /> : <SignIn />;
}

function SignedIn(): JSX.Element {
  useEffect(followAccount, []);
  return (
    <Frame>
      <Router>
        <Route path="/" component={Vms} />
        <Route path="/sign-in" component={Vms} />
        <Route path="/new" component={Create} />
        <Route path="/catalog" component={Catalog} />
        <Route path="/vm/:id/:tab?" component={VmScreen} />
        <Route path="/activity" component={Activity} />
        <Route path="/account" component={Account} />
        <Route default component={NotFound} />
      </Router>
    </Frame>
  );
}
