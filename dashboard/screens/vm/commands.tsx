import type { JSX } from 'preact';
import type { Vm } from '../../api/vm-fields.ts';
import { asked, command } from '../../vms/asked.ts';
import { link } from '../../connection/link-state.ts';
import { openVm, type Place } from '../../vms/open-vm.ts';
import { isGoing, isUp, primaryCommandOf } from '../../vms/vm-facts.ts';
import { Icon } from '../../parts/icons.tsx';
import { words } from '../../words/words.ts';
import { PrimaryButton } from '../commands/primary-button.tsx';

/**
 * The commands that can be given to the VM now. Its menu has all, and says why some cannot. Those that a phone has no
 * room for are in the menu only there.
 */
export function Commands({ vm, onShare }: { vm: Vm; onShare: () => void }): JSX.Element {
  const isOffline = link.value === 'offline';
  const isDisabled = isOffline || asked.value.get(vm.id)?.state === 'asked';
  const open = (place?: Place): void => {
    if (!isOffline) void openVm(vm.id, place);
  };
  const give = (name: 'stop' | 'restart'): void => {
    if (!isDisabled) void command(vm.id, name);
  };
  return (
    <>
      <PrimaryButton vm={vm} isProminent />
      {!isGoing(vm) && primaryCommandOf(vm) !== 'open' && (
        // The address of a VM that is off shows its start button, and its boot.
        <button type="button" class="button" aria-disabled={isOffline} onClick={() => open()}>
          {words.command.open}
          <Icon name="external" />
        </button>
      )}
      {isUp(vm) && (
        <button
          type="button"
          class="button wide-only"
          aria-disabled={isOffline}
          onClick={() => open({ page: 'terminal' })}
        >
          {words.command.terminal}
          <Icon name="external" />
        </button>
      )}
      {!isGoing(vm) && (
        <button type="button" class="button wide-only" aria-disabled={isOffline} onClick={onShare}>
          {words.command.share}
        </button>
      )}
      {vm.enabled && !isGoing(vm) && (
        <button type="button" class="button" aria-disabled={isDisabled} onClick={() => give('stop')}>
          {words.command.stop}
        </button>
      )}
      {isUp(vm) && (
        <button type="button" class="button wide-only" aria-disabled={isDisabled} onClick={() => give('restart')}>
          {words.command.restart}
        </button>
      )}
    </>
  );
}
