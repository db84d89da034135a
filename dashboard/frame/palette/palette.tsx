import type { JSX } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { words } from '../../words/words.ts';
import { isPaletteOpen } from './palette-state.ts';
import { paletteEntries, type PaletteEntry } from './palette-entries.ts';

const MOST = 12;

/** Everything by its name: VMs, what can be done with the one on the screen, screens. An ARIA combobox in a dialog. */
export function Palette(): JSX.Element {
  const { path, route } = useLocation();
  const id = useId();
  const dialog = useRef<HTMLDialogElement>(null);
  const [text, setText] = useState('');
  const [at, setAt] = useState(0);
  useEffect(() => dialog.current?.showModal(), []);
  const found = select(paletteEntries(path, route), text);
  const close = (): void => void (isPaletteOpen.value = false);
  const choose = (entry: PaletteEntry | undefined): void => {
    if (entry === undefined) return;
    close();
    entry.run();
  };
  const press = (event: KeyboardEvent): void => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (step !== 0) setAt((at + step + found.length) % Math.max(1, found.length));
    else if (event.key === 'Enter') choose(found[at]);
    else return;
    event.preventDefault();
  };
  return (
    <dialog ref={dialog} class="dialog palette" aria-label={words.palette.open} onClose={close}>
      <input
        type="text"
        role="combobox"
        aria-expanded="true"
        aria-controls={id}
        aria-activedescendant={found[at] === undefined ? undefined : `${id}-${at}`}
        aria-label={words.palette.placeholder}
        placeholder={words.palette.placeholder}
        autocomplete="off"
        spellcheck={false}
        value={text}
        onInput={(event) => {
          setText(event.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={press}
      />
      {found.length === 0 && (
        <p class="quiet" role="status">
          {words.palette.none}
        </p>
      )}
      <div id={id} role="listbox" aria-label={words.palette.open} class="options-list">
        {found.map((entry, index) => (
          // oxlint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/interactive-supports-focus -- the combobox keeps the focus and has the keys
          <div
            key={entry.id}
            id={`${id}-${index}`}
            role="option"
            aria-selected={index === at}
            onClick={() => choose(entry)}
          >
            <span>{entry.label}</span>
            <span class="quiet small">{entry.group}</span>
          </div>
        ))}
      </div>
    </dialog>
  );
}

/** Entries that have every word of the text. */
function select(entries: readonly PaletteEntry[], text: string): PaletteEntry[] {
  const parts = text.toLowerCase().split(/\s+/).filter(Boolean);
  return entries.filter(({ label }) => parts.every((part) => label.toLowerCase().includes(part))).slice(0, MOST);
}
