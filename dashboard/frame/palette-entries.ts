import { command } from '../live/asked.ts';
import { openVm } from '../live/open-vm.ts';
import { isUp } from '../live/vm-facts.ts';
import { allVms, vmSignal } from '../live/vms.ts';
import { words } from '../words/words.ts';

export interface PaletteEntry {
  readonly id: string;
  readonly label: string;
  readonly group: string;
  readonly run: () => void;
}

/** What there is to choose, at this address. */
export function paletteEntries(path: string, go: (path: string) => void): PaletteEntry[] {
  const { nav, palette, vms } = words;
  const screens = [
    ['/', nav.vms],
    ['/new', vms.create],
    ['/catalog', nav.catalog],
    ['/activity', nav.activity],
    ['/account', nav.account],
  ] as const;
  return [
    ...actionsAt(path),
    ...allVms.peek().map(({ id, vmlabel, status }) => ({
      id,
      label: vmlabel,
      group: words.status[status],
      run: () => go(`/vm/${id}`),
    })),
    ...screens.map(([to, label]) => ({ id: to, label, group: palette.screens, run: () => go(to) })),
  ];
}

/** The commands of the VM on the screen. */
function actionsAt(path: string): PaletteEntry[] {
  const [, screen, vmId = ''] = path.split('/');
  const vm = screen === 'vm' ? vmSignal(vmId).peek() : undefined;
  if (vm === undefined) return [];
  const names = vm.enabled ? (['stop', 'restart'] as const) : (['start'] as const);
  const entry = (name: string, run: () => void): PaletteEntry => ({
    id: `do ${name}`,
    label: `${name}: ${vm.vmlabel}`,
    group: words.palette.actions,
    run,
  });
  return [
    ...(isUp(vm) ? [entry(words.command.open, () => void openVm(vm.id))] : []),
    ...names.map((name) => entry(words.command[name], () => void command(vm.id, name))),
  ];
}
