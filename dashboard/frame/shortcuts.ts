import { signal } from '@preact/signals';

const KEY = 'swiftor.single-keys';

/** Whether shortcuts of one key work (WCAG 2.1.4: they can be turned off). */
export const hasSingleKeys = signal(localStorage.getItem(KEY) !== 'off');

export function setSingleKeys(isOn: boolean): void {
  hasSingleKeys.value = isOn;
  localStorage.setItem(KEY, isOn ? 'on' : 'off');
}

/** Handles the keys of the page until the returned function is called. */
export function handleShortcuts(go: (path: string) => void, openPalette: () => void): () => void {
  const actions: Readonly<Record<string, () => void>> = {
    '/': () => document.querySelector<HTMLElement>('input[type=search]')?.focus(),
    n: () => go('/new'),
    j: () => moveRow(1),
    k: () => moveRow(-1),
    o: openRow,
    '?': () => go('/account'),
  };
  const press = (event: KeyboardEvent): void => {
    if (event.key.toLowerCase() === 'k' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      return openPalette();
    }
    if (event.ctrlKey || event.metaKey || event.altKey || !hasSingleKeys.peek() || isTyping(event.target)) return;
    const action = Object.hasOwn(actions, event.key) ? actions[event.key] : undefined;
    if (action === undefined) return;
    event.preventDefault();
    action();
  };
  addEventListener('keydown', press);
  return () => removeEventListener('keydown', press);
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.closest('input, textarea, select, dialog, [popover], [contenteditable]') !== null;
}

function moveRow(by: number): void {
  const names = [...document.querySelectorAll<HTMLElement>('.vm-row a.name')];
  const at = names.findIndex((name) => name.closest('.vm-row')?.contains(document.activeElement) === true);
  names[Math.max(0, Math.min(names.length - 1, at + by))]?.focus();
}

/** The primary button of the row that has the focus. */
function openRow(): void {
  document.activeElement?.closest('.vm-row')?.querySelector<HTMLElement>('.row-actions .button')?.click();
}
