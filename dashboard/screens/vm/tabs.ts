import type { ComponentType } from 'preact';
import type { Vm } from '../../api/vm-fields.ts';
import { later } from '../../loading/later.tsx';
import { vmWords as words } from '../../words/vm.ts';
import { Overview } from '../overview/overview.tsx';

export interface Tab {
  /** The last segment of the address. */
  readonly path: string;
  readonly label: string;
  readonly Screen: ComponentType<{ vm: Vm }>;
}

/** What there is to see of a VM, in order. All but the first are loaded when they are opened. */
export const TABS: readonly [Tab, ...Tab[]] = [
  { path: '', label: words.tabs.overview, Screen: Overview },
  { path: 'logs', label: words.tabs.logs, Screen: later(async () => (await import('../logs/logs.tsx')).Logs) },
  { path: 'stats', label: words.tabs.stats, Screen: later(async () => (await import('../stats/stats.tsx')).Stats) },
  {
    path: 'secrets',
    label: words.tabs.secrets,
    Screen: later(async () => (await import('../secrets/secrets.tsx')).Secrets),
  },
  {
    path: 'network',
    label: words.tabs.network,
    Screen: later(async () => (await import('../network/network.tsx')).NetworkTab),
  },
  {
    path: 'activity',
    label: words.tabs.activity,
    Screen: later(async () => (await import('../activity/vm-activity.tsx')).VmActivity),
  },
  {
    path: 'settings',
    label: words.tabs.settings,
    Screen: later(async () => (await import('../settings/settings.tsx')).Settings),
  },
];
