import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { ask } from '../../connection/ask.ts';
import { AddPort, RemovePort } from '../../api/mutations.ts';
import type { Distribution } from '../../api/desk.ts';
import type { Network } from '../../api/queries.ts';
import type { Vm } from '../../api/vm-fields.ts';
import { Copy } from '../../parts/copy.tsx';
import { Field } from '../../parts/field.tsx';
import { useAction } from '../../loading/use-action.ts';
import { and } from '../../words/format.ts';
import { settingsWords } from '../../words/settings.ts';
import { vmWords } from '../../words/vm.ts';
import { words } from '../../words/words.ts';
import { PortField } from './port-field.tsx';

const WORDS = settingsWords.network;
const PROTOCOLS = ['TCP', 'UDP'] as const;

interface PortsProps {
  readonly vm: Vm;
  readonly entry: Distribution | undefined;
  readonly ports: Network['ports'];
  readonly onChanged: () => void;
}

/** Public ports for other protocols than HTTP. */
export function Ports({ vm, entry, ports, onChanged }: PortsProps): JSX.Element {
  const [port, setPort] = useState('');
  const [protocol, setProtocol] = useState<(typeof PROTOCOLS)[number]>('TCP');
  const { problem, run } = useAction();
  const change = async (action: () => Promise<unknown>): Promise<void> => {
    if (await run(action)) setPort('');
    onChanged();
  };
  const submit = (event: Event): void => {
    event.preventDefault();
    void change(() => ask(AddPort, { input: { vmId: vm.id, internalPort: Number(port), protocol } }));
  };
  return (
    <section class="panel stack wide">
      <div>
        <h2>{WORDS.ports}</h2>
        <p class="hint">{WORDS.portsHint}</p>
      </div>
      {ports.length === 0 ? (
        <p class="quiet">{WORDS.noPorts}</p>
      ) : (
        <ul class="plain entries">
          {ports.map((each) => (
            <li key={each.publicPort} class="entry">
              <div>
                <strong>{`${each.protocol} ${each.internalPort}`}</strong>
                <p class="address small">
                  <code>{each.address}</code>
                  <Copy text={each.address} label={`${vmWords.copyAddress}: ${each.internalPort}`} />
                </p>
              </div>
              <button
                type="button"
                class="button small danger"
                aria-label={`${words.action.remove} ${each.protocol} ${each.internalPort}`}
                onClick={() =>
                  void change(() =>
                    ask(RemovePort, { vmId: vm.id, internalPort: each.internalPort, protocol: each.protocol }),
                  )
                }
              >
                {words.action.remove}
              </button>
            </li>
          ))}
        </ul>
      )}
      <form class="stack wide" onSubmit={submit}>
        <div class="two-fields">
          <Field label={WORDS.protocol}>
            {(attributes) => (
              <select
                {...attributes}
                value={protocol}
                onChange={(event) => setProtocol(event.currentTarget.value === 'UDP' ? 'UDP' : 'TCP')}
              >
                {PROTOCOLS.map((each) => (
                  <option key={each}>{each}</option>
                ))}
              </select>
            )}
          </Field>
          <PortField
            label={WORDS.inside}
            hint={rangesOf(entry)}
            problem={problem?.message}
            value={port}
            onInput={setPort}
          />
        </div>
        {vm.enabled && <p class="quiet small">{vmWords.replaces}</p>}
        <button type="submit" class="button">
          {WORDS.addPort}
        </button>
      </form>
    </section>
  );
}

function rangesOf(entry: Distribution | undefined): string | undefined {
  if (entry === undefined || entry.portForwarding) return WORDS.anyRange;
  return WORDS.range(
    and(entry.ports.map(({ from, to, protocol }) => `${from === to ? from : `${from}–${to}`} ${protocol}`)),
  );
}
