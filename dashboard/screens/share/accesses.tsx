import type { JSX } from 'preact';
import { EndAccess, type Access } from '../../api/access.ts';
import { ask } from '../../connection/ask.ts';
import { useAction } from '../../loading/use-action.ts';
import { shareWords } from '../../words/share.ts';

interface AccessesProps {
  readonly vmId: string;
  /** Undefined until they are known. */
  readonly accesses: readonly Access[] | undefined;
  readonly onEnded: () => void;
}

/** Who may open the VM now. */
export function Accesses({ vmId, accesses, onEnded }: AccessesProps): JSX.Element {
  const { problem, run } = useAction();
  const end = async (accessId: string): Promise<void> => {
    await run(() => ask(EndAccess, { vmId, accessId }));
    onEnded();
  };
  return (
    <section>
      <h3>{shareWords.list}</h3>
      {accesses?.length === 0 && <p class="quiet">{shareWords.nobody}</p>}
      <ul class="plain entries">
        {accesses?.map((access) => (
          <li key={access.id} class="entry">
            <div>
              <strong>{whoOf(access)}</strong>
              <p class="quiet small">{detailsOf(access)}</p>
            </div>
            <button
              type="button"
              class="button small danger"
              aria-label={shareWords.endOf(whoOf(access))}
              onClick={() => void end(access.id)}
            >
              {shareWords.end}
            </button>
          </li>
        ))}
      </ul>
      {problem !== undefined && (
        <p class="problem" role="alert">
          {problem.message}
        </p>
      )}
    </section>
  );
}

function whoOf({ isGuest, role }: Access): string {
  return isGuest ? shareWords.guest[role] : shareWords.you;
}

function detailsOf({ address, name, until }: Access): string {
  const from = address === null ? shareWords.unused : shareWords.from(address);
  return [...(name === null ? [] : [name]), from, shareWords.until(until)].join(' · ');
}
