import type { JSX } from 'preact';
import { VmNetwork } from '../../api/queries.ts';
import type { Vm } from '../../api/vm-fields.ts';
import { desk } from '../../account/desk.ts';
import { Copy } from '../../parts/copy.tsx';
import { FailedQuery } from '../../loading/failed-query.tsx';
import { useQuery } from '../../loading/use-query.ts';
import { settingsWords } from '../../words/settings.ts';
import { vmWords } from '../../words/vm.ts';
import { Names } from './names.tsx';
import { Ports } from './ports.tsx';

const WORDS = settingsWords.network;

/** The addresses at which the VM can be reached. */
export function NetworkTab({ vm }: { vm: Vm }): JSX.Element {
  // An event may be a change of the network, also of another window.
  const { data, problem, reload } = useQuery(VmNetwork, { id: vm.id }, vm.lastEventSeq);
  if (data?.vm == null) return problem === undefined ? <></> : <FailedQuery problem={problem} onRetry={reload} />;
  const { networking, ports, url } = data.vm;
  const entry = desk.value?.distributions.find(({ code }) => code === vm.os.distribution);
  const canForward = entry !== undefined && (entry.portForwarding || entry.ports.length > 0);
  return (
    <div class="stack wide">
      <section class="panel">
        <h2>{WORDS.own}</h2>
        <p class="address">
          <code>{url}</code>
          <Copy text={url} label={vmWords.copyAddress} />
        </p>
        <p class="hint">{WORDS.ownHint}</p>
      </section>
      <Names vmId={vm.id} names={networking} onChanged={reload} />
      {(canForward || ports.length > 0) && <Ports vm={vm} entry={entry} ports={ports} onChanged={reload} />}
    </div>
  );
}
