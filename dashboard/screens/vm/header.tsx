import type { JSX } from 'preact';
import type { Vm } from '../../api/vm-fields.ts';
import { now } from '../../connection/clock.ts';
import { shownSince } from '../../connection/link-state.ts';
import { distributionNames, regionNames } from '../../account/names.ts';
import { failingOf, isUp, osName } from '../../vms/vm-facts.ts';
import { Copy } from '../../parts/copy.tsx';
import { Icon } from '../../parts/icons.tsx';
import { Menu } from '../../parts/menu.tsx';
import { StatusGlyph } from '../../parts/status.tsx';
import { vmWords } from '../../words/vm.ts';
import { words } from '../../words/words.ts';
import { AskedNote } from '../commands/asked-note.tsx';
import { useVmMenu } from '../commands/vm-menu.tsx';
import { Commands } from './commands.tsx';
import { Name } from './name.tsx';

/** What the VM is and does, and the commands. The same on each of its tabs. */
export function Header({ vm }: { vm: Vm }): JSX.Element {
  const { items, dialog, openDialog } = useVmMenu(vm);
  return (
    <header class="vm-header">
      <a class="back small" href="/">
        <Icon name="back" />
        {vmWords.back}
      </a>
      <Name vm={vm} />
      <div class="status-line" data-status={vm.status}>
        <StatusGlyph status={vm.status} />
        <strong role="status">{words.statusOf(vm.status, failingOf(vm))}</strong>
        {/* Outside the status: it changes each second, which nobody wants to hear. */}
        {vm.startedAt !== null && isUp(vm) && (
          <span class="quiet">
            {vmWords.since(vm.startedAt, Math.max(0, (now.value - Date.parse(vm.startedAt)) / 1000))}
          </span>
        )}
        {shownSince.value !== undefined && <span class="quiet">{words.asOf(shownSince.value)}</span>}
      </div>
      <p class="quiet small facts">
        <span>{osName(vm, distributionNames.value)}</span>
        <span>{regionNames.value.get(vm.region) ?? vm.region}</span>
        <span>{words.size(vm.specs.cpu, vm.specs.ram)}</span>
        <span class="address">
          <code>{vm.url.replace(/^https?:\/\//, '')}</code>
          <Copy text={vm.url} label={vmWords.copyAddress} />
        </span>
      </p>
      <div class="buttons">
        <Commands vm={vm} onShare={() => openDialog('share')} />
        <Menu label={words.row.menu(vm.vmlabel)} button={<Icon name="more" />} items={items} />
      </div>
      <AskedNote vmId={vm.id} />
      {dialog}
    </header>
  );
}
