import type { JSX } from 'preact';
import type { Vm } from '../../api/vm-fields.ts';
import { asked, command } from '../../vms/asked.ts';
import { link } from '../../connection/link-state.ts';
import { openVm } from '../../vms/open-vm.ts';
import { primaryCommandOf } from '../../vms/vm-facts.ts';
import { words } from '../../words/words.ts';
import { Refusal, wouldExceed } from './refusal.tsx';

interface PrimaryButtonProps {
  readonly vm: Vm;
  /** Whether it stands out, as on the screen of one VM. */
  readonly isProminent?: boolean;
}

/** The one thing that makes sense now: open it, start it, or try again. Nothing if there is none. */
export function PrimaryButton({ vm, isProminent = false }: PrimaryButtonProps): JSX.Element | null {
  const { id, vmlabel, status } = vm;
  const primary = primaryCommandOf(vm);
  const mine = asked.value.get(id);
  const isAsked = mine?.state === 'asked';
  const { why } = words.command;
  const className = isProminent ? 'button primary' : 'button';
  if (primary === undefined) return null;
  if (primary === 'start' && wouldExceed(vm)) return <Refusal vm={vm} class={className} />;
  const label = isAsked && mine.command === 'start' ? words.command.asked.start : words.command[primary];
  const isOpen = primary === 'open';
  const cannot = isOpen && status === 'UNKNOWN' ? why.machine : link.value === 'offline' ? why.offline : undefined;
  const isDisabled = cannot !== undefined || (isAsked && !isOpen);
  return (
    <button
      type="button"
      class={className}
      aria-label={`${label}: ${vmlabel}`}
      aria-disabled={isDisabled}
      title={cannot}
      onClick={() => {
        if (!isDisabled) void (isOpen ? openVm(id) : command(id, 'start'));
      }}
    >
      {label}
    </button>
  );
}
