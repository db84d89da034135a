import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { useLocation, useRoute } from 'preact-iso';
import type { Vm } from '../../api/vm-fields.ts';
import { now } from '../../connection/clock.ts';
import { isComplete, vmSignal } from '../../vms/vms.ts';
import { deletedAt } from '../../vms/deleted-vms.ts';
import { ErrorBoundary } from '../../loading/error-boundary.tsx';
import { Icon } from '../../parts/icons.tsx';
import { useTitle } from '../../frame/use-title.ts';
import { ago } from '../../words/format.ts';
import { vmWords as words } from '../../words/vm.ts';
import { Header } from './header.tsx';
import { TABS, type Tab } from './tabs.ts';

/** One VM: its header, and what the address names below it. */
export function VmScreen(): JSX.Element | null {
  const { params } = useRoute();
  const id = params['id'] ?? '';
  const vm = vmSignal(id).value;
  const gone = deletedAt.value.get(id);
  if (gone !== undefined) return <Gone title={words.deleted(ago(gone, now.value))} />;
  if (vm === undefined) return isComplete.value ? <Gone title={words.missing} /> : null;
  return <Present key={id} vm={vm} tab={params['tab'] ?? ''} />;
}

function Present({ vm, tab }: { vm: Vm; tab: string }): JSX.Element {
  useTitle(vm.vmlabel);
  const own: Tab = TABS.find(({ path }) => path === tab) ?? TABS[0];
  const { Screen } = own;
  const tabs = useRef<HTMLElement>(null);
  useEffect(() => {
    // A phone shows some of them only.
    tabs.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [own]);
  return (
    <>
      <Header vm={vm} />
      <nav ref={tabs} class="tabs" aria-label={words.tabs.label}>
        {TABS.map(({ path, label }) => (
          <a
            key={path}
            href={`/vm/${vm.id}${path === '' ? '' : `/${path}`}`}
            aria-current={path === own.path ? 'page' : undefined}
          >
            {label}
          </a>
        ))}
      </nav>
      <ErrorBoundary key={own.path}>
        <Screen vm={vm} />
      </ErrorBoundary>
    </>
  );
}

function Gone({ title }: { title: string }): JSX.Element {
  useTitle(title);
  const { path } = useLocation();
  return (
    <div class="empty" key={path}>
      <h1>{title}</h1>
      <a class="button" href="/">
        <Icon name="back" />
        {words.back}
      </a>
    </div>
  );
}
