import { signal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { words } from '../words/words.ts';
import { Icon } from './icons.tsx';

interface Toast {
  readonly id: string;
  readonly text: string;
  readonly action?: { readonly label: string; readonly run: () => void };
  /** Failures stay until they are closed. */
  readonly stays: boolean;
}

const SHOWN_MS = 6_000;
const MOST = 3;
const toasts = signal<readonly Toast[]>([]);

/** Tells what happened elsewhere, once; what is on the screen needs no toast. */
export function toast(text: string, options: Partial<Omit<Toast, 'id' | 'text'>> = {}): void {
  const others = toasts.value.filter((each) => each.text !== text);
  toasts.value = [...others, { id: crypto.randomUUID(), text, stays: false, ...options }].slice(-MOST);
}

function close(id: string): void {
  toasts.value = toasts.value.filter((each) => each.id !== id);
}

export function Toasts(): JSX.Element {
  return (
    <div class="toasts" role="status" aria-label={words.toast.label}>
      {toasts.value.map((each) => (
        <OneToast key={each.id} {...each} />
      ))}
    </div>
  );
}

function OneToast({ id, text, action, stays }: Toast): JSX.Element {
  const [isHeld, setHeld] = useState(false);
  useEffect(() => {
    if (stays || isHeld) return undefined;
    const timer = setTimeout(() => close(id), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [id, stays, isHeld]);
  const hold = (): void => setHeld(true);
  const release = (): void => setHeld(false);
  return (
    <div class="toast" onMouseEnter={hold} onMouseLeave={release} onFocusIn={hold} onFocusOut={release}>
      <span>{text}</span>
      {action !== undefined && (
        <button
          type="button"
          class="button small"
          onClick={() => {
            action.run();
            close(id);
          }}
        >
          {action.label}
        </button>
      )}
      <button type="button" class="icon-button" aria-label={words.action.close} onClick={() => close(id)}>
        <Icon name="close" />
      </button>
    </div>
  );
}
