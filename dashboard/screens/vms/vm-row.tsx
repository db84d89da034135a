import type { JSX } from 'preact';
import type { Vm } from '../../api/vm-fields.ts';
import { osName } from '../../vms/vm-facts.ts';
import { distributionNames, regionNames } from '../../account/names.ts';
import { shownSince } from '../../connection/link-state.ts';
import { vmSignal } from '../../vms/vms.ts';
import { Icon } from '../../parts/icons.tsx';
import { Menu } from '../../parts/menu.tsx';
import { words } from '../../words/words.ts';
import { AskedNote } from '../commands/asked-note.tsx';
import { PrimaryButton } from '../commands/primary-button.tsx';
import { StatusText } from './status-text.tsx';
import { useVmMenu } from '../commands/vm-menu.tsx';

/** One VM of the list. It is drawn anew when an event changes this VM. */
export function VmRow({ id }: { id: string }): JSX.Element | null {
  const vm = vmSignal(id).value;
  return vm === undefined ? null : <Row vm={vm} />;
}

function Row({ vm }: { vm: Vm }): JSX.Element {
  const { items, dialog } = useVmMenu(vm);
  return (
    <li class="row vm-row" data-status={vm.status} data-vm={vm.id}>
      <div>
        <a class="name" href={`/vm/${vm.id}`}>
          {vm.vmlabel}
        </a>
        <p class="quiet small facts">
          <span>{osName(vm, distributionNames.value)}</span>
          <span>{regionNames.value.get(vm.region) ?? vm.region}</span>
          <span>{words.size(vm.specs.cpu, vm.specs.ram)}</span>
        </p>
      </div>
      <div class={`row-status ${shownSince.value === undefined ? '' : 'stale'}`}>
        <StatusText vm={vm} />
        <AskedNote vmId={vm.id} />
      </div>
      <div class="row-actions">
        <PrimaryButton vm={vm} />
        <Menu label={words.row.menu(vm.vmlabel)} button={<Icon name="more" />} items={items} />
      </div>
      {dialog}
    </li>
  );
}
