import { command } from '../../vms/asked.ts';
import { openVm } from '../../vms/open-vm.ts';
import { failingOf, isUp, primaryCommandOf } from '../../vms/vm-facts.ts';
import { allVms, vmSignal } from '../../vms/vms.ts';
import { words } from '../../words/words.ts';

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
    ...allVms.peek().map((vm) => ({
      id: vm.id,
      label: vm.vmlabel,
      group: words.statusOf(vm.status, failingOf(vm)),
      run: () => go(`/vm/${vm.id}`),
    })),
    ...screens.map(([to, label]) => ({ id: to, label, group: palette.screens, run: () => go(to) })),
  ];
}

/** The commands of the VM on the screen. */
function actionsAt(path: string): PaletteEntry[] {
  const [, screen, vmId = ''] = path.split('/');
  const vm = screen === 'vm' ? vmSignal(vmId).peek() : undefined;
  if (vm === undefined) return [];
  const primary = primaryCommandOf(vm);
  const entry = (name: string, run: () => void): PaletteEntry => ({
    id: `do ${name}`,
    label: `${name}: ${vm.vmlabel}`,
    group: words.palette.actions,
    run,
  });
  const to = (name: 'start' | 'stop' | 'restart', label: string = words.command[name]): PaletteEntry =>
    entry(label, () => void command(vm.id, name));
  return [
    ...(isUp(vm) ? [entry(words.command.open, () => void openVm(vm.id))] : []),
    ...(primary === 'start' || primary === 'tryNow' ? [to('start', words.command[primary])] : []),
    ...(vm.enabled ? [to('stop')] : []),
    ...(isUp(vm) ? [to('restart')] : []),
  ];
}
