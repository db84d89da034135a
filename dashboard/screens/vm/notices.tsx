import type { JSX } from 'preact';
import type { Vm } from '../../api/vm-fields.ts';
import { command } from '../../vms/asked.ts';
import { vmWords } from '../../words/vm.ts';
import { words } from '../../words/words.ts';

/** What is odd about a VM that is on. */
export function Notices({ vm }: { vm: Vm }): JSX.Element | null {
  const { failure } = vmWords;
  if (vm.changeUndone) {
    return (
      <div class="notice warn" role="status">
        <p>
          {words.row.undone} {vm.lastFailure?.message}
        </p>
        <div class="buttons start">
          <a class="button small" href={`/vm/${vm.id}/secrets`}>
            {failure.seeSecrets}
          </a>
          <button type="button" class="button small" onClick={() => void command(vm.id, 'restart')}>
            {words.action.tryAgain}
          </button>
        </div>
      </div>
    );
  }
  if (vm.status === 'DEGRADED') {
    return (
      <div class="notice warn" role="status">
        <p>{failure.degraded}</p>
        <div class="buttons start">
          <button type="button" class="button small" onClick={() => void command(vm.id, 'restart')}>
            {words.command.restart}
          </button>
        </div>
      </div>
    );
  }
  if (vm.status === 'UNKNOWN') {
    return (
      <div class="notice warn" role="status">
        <p>
          {failure.unknown} {vm.observedAt !== null && words.row.lastSeen(vm.observedAt)}
        </p>
      </div>
    );
  }
  return null;
}
