import type { JSX } from 'preact';
import { StartProblems } from '../../api/queries.ts';
import type { Vm } from '../../api/vm-fields.ts';
import { command } from '../../vms/asked.ts';
import { desk } from '../../account/desk.ts';
import { allVms } from '../../vms/vms.ts';
import { FailedQuery } from '../../loading/failed-query.tsx';
import { useQuery } from '../../loading/use-query.ts';
import { words } from '../../words/words.ts';

/** Why a start would be refused, and which VMs could make room. */
export function RefusalReasons({ vm }: { vm: Vm }): JSX.Element {
  const { data, problem, reload } = useQuery(StartProblems, { id: vm.id }, JSON.stringify(desk.value?.me));
  const on = allVms.value.filter(({ enabled, id }) => enabled && id !== vm.id);
  return (
    <div class="refusal">
      <p class="bad-text">{words.refusal.title}</p>
      {problem !== undefined && <FailedQuery problem={problem} onRetry={reload} />}
      <ul>
        {data?.vm?.startViolations.map(({ message }) => (
          <li key={message}>{message}</li>
        ))}
      </ul>
      {on.length > 0 && (
        <>
          <p class="quiet">{words.refusal.stopAnother}</p>
          <ul class="plain">
            {on.map(({ id, vmlabel, specs }) => (
              <li key={id} class="spread">
                <span>
                  {vmlabel} <span class="quiet small">{words.size(specs.cpu, specs.ram)}</span>
                </span>
                <button type="button" class="button small" onClick={() => void command(id, 'stop')}>
                  {words.command.stop}
                </button>
              </li>
            ))}
          </ul>
        </>
      )}
    </div>
  );
}
