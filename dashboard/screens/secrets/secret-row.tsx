import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { toProblem } from '../../api/problem.ts';
import { now } from '../../connection/clock.ts';
import { settingsWords } from '../../words/settings.ts';
import { words } from '../../words/words.ts';
import { readSecret } from './read-secret.ts';
import { ReplaceSecret } from './replace-secret.tsx';
import type { SecretChange } from './secret-changes.ts';

const WORDS = settingsWords.secrets;
const SHOWN_MS = 30_000;

interface SecretRowProps {
  readonly vmId: string;
  readonly secretKey: string;
  readonly label?: string | undefined;
  /** Undefined for one that is not saved yet. */
  readonly updatedAt?: string;
  readonly change?: SecretChange | undefined;
  readonly onChange: (change: SecretChange) => void;
  readonly onUndo: () => void;
}

/** One secret. Its value is asked for only to show it, and hidden again after 30 s. */
export function SecretRow({
  vmId,
  secretKey,
  label,
  updatedAt,
  change,
  onChange,
  onUndo,
}: SecretRowProps): JSX.Element {
  const [value, setValue] = useState<string>();
  const [problem, setProblem] = useState<string>();
  const [isReplaced, setReplaced] = useState(false);
  useEffect(() => {
    if (value === undefined) return undefined;
    const timer = setTimeout(() => setValue(undefined), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [value]);
  const show = async (): Promise<void> => {
    setProblem(undefined);
    try {
      setValue(await readSecret(vmId, secretKey));
    } catch (error) {
      setProblem(toProblem(error).message);
    }
  };
  return (
    <li class="secret">
      <div>
        {label !== undefined && <strong>{label}</strong>} <code>{secretKey}</code>
        <p class="quiet small">
          {change === undefined
            ? updatedAt !== undefined && WORDS.set(updatedAt, now.value)
            : change.value === undefined
              ? WORDS.willRemove
              : WORDS.willSet}
        </p>
      </div>
      <div class="buttons">
        {change !== undefined ? (
          <button type="button" class="button small" onClick={onUndo}>
            {WORDS.undo}
          </button>
        ) : (
          <>
            <button
              type="button"
              class="button small"
              aria-label={`${WORDS.replace} ${secretKey}`}
              onClick={() => setReplaced(true)}
            >
              {WORDS.replace}
            </button>
            <button
              type="button"
              class="button small"
              aria-label={`${words.action.show} ${secretKey}`}
              onClick={() => (value === undefined ? void show() : setValue(undefined))}
            >
              {value === undefined ? words.action.show : words.action.hide}
            </button>
            {label === undefined && (
              <button
                type="button"
                class="button small danger"
                aria-label={`${words.action.remove} ${secretKey}`}
                onClick={() => onChange({ key: secretKey, value: undefined })}
              >
                {words.action.remove}
              </button>
            )}
          </>
        )}
      </div>
      {value !== undefined && (
        <div class="secret-value">
          <pre class="lines">{value}</pre>
          <p class="quiet small">{WORDS.looked}</p>
        </div>
      )}
      {problem !== undefined && <p class="problem secret-value">{problem}</p>}
      {isReplaced && (
        <ReplaceSecret
          secretKey={secretKey}
          onReplace={(next) => {
            onChange({ key: secretKey, value: next });
            setReplaced(false);
          }}
          onCancel={() => setReplaced(false)}
        />
      )}
    </li>
  );
}
