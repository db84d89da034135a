import type { JSX } from 'preact';
import type { Vm } from '../../api/vm-fields.ts';
import { asked, command } from '../../live/asked.ts';
import { link } from '../../live/link-state.ts';
import { openVm } from '../../live/open-vm.ts';
import { isUp } from '../../live/vm-facts.ts';
import { words } from '../../words/words.ts';
import { Refusal, wouldExceed } from './refusal.tsx';

/** The one thing that makes sense now: open it, start it, or try again. */
export function PrimaryButton({ vm }: { vm: Vm }): JSX.Element {
  const { id, vmlabel, status } = vm;
  const isAsked = asked.value.get(id)?.state === 'asked';
  const offline = link.value === 'offline' ? words.command.why.offline : undefined;
  if (isUp(vm) || status === 'UNKNOWN') {
    const why = status === 'UNKNOWN' ? words.command.why.machine : offline;
    return (
      <button
        type="button"
        class="button"
        aria-label={`${words.command.open} ${vmlabel}`}
        aria-disabled={why !== undefined}
        title={why}
        onClick={() => why === undefined && void openVm(id)}
      >
        {words.command.open}
      </button>
    );
  }
  if (status === 'STOPPED' && wouldExceed(vm)) return <Refusal vm={vm} />;
  const label = status === 'FAILED' ? words.command.tryNow : words.command.start;
  return (
    <button
      type="button"
      class="button"
      aria-label={`${label}: ${vmlabel}`}
      aria-disabled={isAsked || offline !== undefined}
      title={offline}
      onClick={() => !isAsked && offline === undefined && void command(id, 'start')}
    >
      {isAsked ? words.command.asked.start : label}
    </button>
  );
}
