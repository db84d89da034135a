import type { JSX } from 'preact';
import { asked, dismiss } from '../../vms/asked.ts';
import { openProblems } from '../../vms/open-vm.ts';
import { Icon } from '../../parts/icons.tsx';
import { words } from '../../words/words.ts';

/** What has become of a command, where the VM is shown. */
export function AskedNote({ vmId }: { vmId: string }): JSX.Element | null {
  const mine = asked.value.get(vmId);
  const openProblem = openProblems.value.get(vmId);
  if (openProblem !== undefined)
    return (
      <p class="problem small" role="alert">
        {openProblem}
      </p>
    );
  if (mine === undefined) return null;
  if (mine.state !== 'refused') {
    return mine.state === 'asked' ? (
      <p class="quiet small">{words.command.asked[mine.command]}</p>
    ) : (
      <p class="quiet small" role="status">
        {words.command.silent}{' '}
        <button type="button" class="link" onClick={() => location.reload()}>
          {words.command.lookAgain}
        </button>
      </p>
    );
  }
  const { problem } = mine;
  const sentences =
    problem.violations.length > 0 ? problem.violations.map(({ message }) => message) : [problem.message];
  return (
    <div class="problem small spread" role="alert">
      <span>{sentences.join(' ')}</span>
      <button type="button" class="icon-button" aria-label={words.action.close} onClick={() => dismiss(vmId)}>
        <Icon name="close" />
      </button>
    </div>
  );
}
