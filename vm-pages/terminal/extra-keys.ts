import type { Terminal } from '@xterm/xterm';
import { byId } from '../by-id.ts';

const ARROWS: Readonly<Record<string, string>> = { up: 'A', down: 'B', right: 'C', left: 'D' };

/** Keys that the keyboards of phones lack. Ctrl holds for the next key. */
export class ExtraKeys {
  readonly #control = document.querySelector<HTMLButtonElement>('#keys [value="control"]');
  #isControl = false;

  constructor(terminal: Terminal, type: (text: string) => void) {
    const keys = byId('keys', HTMLElement);
    // The terminal keeps the focus, and the phone its keyboard.
    keys.addEventListener('pointerdown', (event) => event.preventDefault());
    keys.addEventListener('click', ({ target }) => {
      const { value = '' } = target instanceof HTMLButtonElement ? target : {};
      if (value === 'control') this.#hold(!this.#isControl);
      else if (value === 'escape') type('\x1b');
      else if (value === 'tab') type('\t');
      else if (value in ARROWS) type(`\x1b${terminal.modes.applicationCursorKeysMode ? 'O' : '['}${ARROWS[value]}`);
      terminal.focus();
    });
  }

  /** What was typed, as it is with Ctrl if that is held. */
  apply(text: string): string {
    if (!this.#isControl) return text;
    this.#hold(false);
    const code = text.toUpperCase().charCodeAt(0);
    return text.length === 1 && code >= 64 && code < 96 ? String.fromCharCode(code - 64) : text;
  }

  #hold(isHeld: boolean): void {
    this.#isControl = isHeld;
    this.#control?.setAttribute('aria-pressed', String(isHeld));
  }
}
