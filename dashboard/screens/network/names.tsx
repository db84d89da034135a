import type { JSX } from 'preact';
import { ask } from '../../connection/ask.ts';
import { AddSubdomain, RemoveSubdomain } from '../../api/mutations.ts';
import type { Network } from '../../api/queries.ts';
import { openVm } from '../../vms/open-vm.ts';
import { Copy } from '../../parts/copy.tsx';
import { useAction } from '../../loading/use-action.ts';
import { settingsWords } from '../../words/settings.ts';
import { vmWords } from '../../words/vm.ts';
import { words } from '../../words/words.ts';
import { NameForm } from './name-form.tsx';
import { safeUrl } from './safe-url.ts';

const WORDS = settingsWords.network;

interface NamesProps {
  readonly vmId: string;
  readonly names: Network['networking'];
  readonly onChanged: () => void;
}

/** Names that lead to ports of the VM. */
export function Names({ vmId, names, onChanged }: NamesProps): JSX.Element {
  const { problem, run } = useAction();
  const change = async (action: () => Promise<unknown>): Promise<boolean> => {
    const isDone = await run(action);
    onChanged();
    return isDone;
  };
  return (
    <section class="panel stack wide">
      <div>
        <h2>{WORDS.names}</h2>
        <p class="hint">{WORDS.namesHint}</p>
      </div>
      {names.length === 0 && <p class="quiet">{WORDS.noNames}</p>}
      {names.length > 0 && (
        <ul class="plain entries">
          {names.map(({ name, internalPort, url, visibility }) => (
            <li key={name} class="entry">
              <div>
                <strong>{name}</strong> <span class="quiet small">{`${internalPort} · ${WORDS[visibility]}`}</span>
                <p class="address small">
                  {visibility === 'PUBLIC' ? (
                    <a href={safeUrl(url) ?? '#'} target="_blank" rel="noreferrer">
                      {url}
                    </a>
                  ) : (
                    <code>{url}</code>
                  )}
                  <Copy text={url} label={`${vmWords.copyAddress}: ${name}`} />
                </p>
              </div>
              <div class="buttons">
                <button
                  type="button"
                  class="button small"
                  aria-label={`${WORDS.openLink} ${name}`}
                  onClick={() => void openVm(vmId, { name })}
                >
                  {WORDS.openLink}
                </button>
                <button
                  type="button"
                  class="button small danger"
                  aria-label={`${words.action.remove} ${name}`}
                  onClick={() => void change(() => ask(RemoveSubdomain, { vmId, name }))}
                >
                  {words.action.remove}
                </button>
              </div>
            </li>
          ))}
        </ul>
      )}
      <NameForm problem={problem} onAdd={(input) => change(() => ask(AddSubdomain, { input: { vmId, ...input } }))} />
    </section>
  );
}
