import { computed } from '@preact/signals';
import type { ComponentChildren, JSX } from 'preact';
import { useLocation } from 'preact-iso';
import { link } from '../connection/link-state.ts';
import { isComplete } from '../vms/vms.ts';
import { ErrorBoundary } from '../loading/error-boundary.tsx';
import { Icon } from '../parts/icons.tsx';
import { later } from '../loading/later.tsx';
import { Logo } from './logo.tsx';
import { words } from '../words/words.ts';
import { AccountMenu } from './account-menu.tsx';
import { LinkState } from './link-state.tsx';

const Banner = later(async () => (await import('./banner.tsx')).Banner);
const Background = later(async () => (await import('./background.tsx')).Background);

const SCREENS = [
  { path: '/', icon: 'vms', label: words.nav.vms },
  { path: '/catalog', icon: 'catalog', label: words.nav.catalog },
  { path: '/activity', icon: 'activity', label: words.nav.activity },
  { path: '/account', icon: 'account', label: words.nav.account },
] as const;

/** The first list is there, or it will not come soon: time for everything else. */
const isSettled = computed(() => isComplete.value || link.value !== 'live');

/** What surrounds every screen. */
export function Frame({ children }: { children: ComponentChildren }): JSX.Element {
  const { path } = useLocation();
  return (
    <>
      <a class="skip" href="#content">
        {words.skip}
      </a>
      <header class="header">
        <a class="brand" href="/">
          <Logo />
          {words.product}
        </a>
        <nav class="nav" aria-label={words.nav.label}>
          {SCREENS.map((screen) => (
            <a key={screen.path} href={screen.path} aria-current={isAt(path, screen.path) ? 'page' : undefined}>
              <Icon name={screen.icon} />
              <span>{screen.label}</span>
            </a>
          ))}
        </nav>
        <span class="grow" />
        <LinkState />
        <div class="later">
          <ErrorBoundary>{isSettled.value && <Background />}</ErrorBoundary>
        </div>
        <AccountMenu />
      </header>
      <ErrorBoundary>{isSettled.value && <Banner />}</ErrorBoundary>
      <main id="content" class="content" tabIndex={-1}>
        <ErrorBoundary at={path}>{children}</ErrorBoundary>
      </main>
    </>
  );
}

function isAt(path: string, screen: string): boolean {
  if (screen === '/') return path === '/' || path === '/new' || path.startsWith('/vm/');
  return path === screen;
}
