import type { Terminal } from '@xterm/xterm';
import { byId } from '../by-id.ts';

/** Ctrl-Shift-C and -V as in terminals elsewhere, and buttons for who has no such keys. */
export function connectClipboard(terminal: Terminal): void {
  const copyButton = byId('copy', HTMLButtonElement);
  const pasteButton = byId('paste', HTMLButtonElement);
  const copy = async (): Promise<void> => {
    const text = terminal.getSelection();
    if (text !== '') await navigator.clipboard?.writeText(text).catch(() => undefined);
    terminal.focus();
  };
  const paste = async (): Promise<void> => {
    const text = await navigator.clipboard.readText().catch(() => '');
    if (text !== '') terminal.paste(text);
    terminal.focus();
  };
  terminal.attachCustomKeyEventHandler((event) => {
    if (!event.ctrlKey || !event.shiftKey || event.altKey || (event.code !== 'KeyC' && event.code !== 'KeyV'))
      return true;
    if (event.code === 'KeyC') {
      event.preventDefault();
      if (event.type === 'keydown') void copy();
    }
    // The browser's own paste follows, which the terminal takes.
    return false;
  });
  const showButtons = (): void => {
    copyButton.disabled = !terminal.hasSelection();
  };
  terminal.onSelectionChange(showButtons);
  showButtons();
  copyButton.addEventListener('click', () => void copy());
  pasteButton.addEventListener('click', () => void paste());
  // Browsers keep the clipboard from pages on plain http, and Firefox from all.
  copyButton.hidden = navigator.clipboard === undefined;
  pasteButton.hidden = navigator.clipboard?.readText === undefined;
}
