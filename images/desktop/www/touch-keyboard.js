import { byId } from './by-id.js';

/** By the key that a button names: what noVNC sends for it. */
const KEYS = new Map(
  /** @type {[string, { keysym: number, isHeld?: boolean }][]} */ ([
    ['Escape', { keysym: 0xff1b }],
    ['Tab', { keysym: 0xff09 }],
    ['ControlLeft', { keysym: 0xffe3, isHeld: true }],
    ['AltLeft', { keysym: 0xffe9, isHeld: true }],
    ['ArrowLeft', { keysym: 0xff51 }],
    ['ArrowUp', { keysym: 0xff52 }],
    ['ArrowDown', { keysym: 0xff54 }],
    ['ArrowRight', { keysym: 0xff53 }],
  ]),
);

/**
 * The keyboard of a device without one: it comes up with a button, not at each tap on the desktop. With it come the keys
 * that such keyboards lack.
 */
export class TouchKeyboard {
  #field;
  #press;
  #keys = byId('keys', HTMLElement);
  #screen = byId('screen', HTMLElement);
  #isOver = false;
  /** Where the desktop was touched last: this stays in view. */
  #touchedAt = 0;

  /**
   * @param {HTMLTextAreaElement} field
   * @param {(keysym: number, code: string, isDown?: boolean) => void} press
   */
  constructor(field, press) {
    this.#field = field;
    this.#press = press;
    if (matchMedia('(pointer: coarse)').matches) this.#setMode('none');
    // The keyboard would go down with the focus.
    this.#keys.addEventListener('pointerdown', (event) => event.preventDefault());
    this.#keys.addEventListener('click', ({ target }) => target instanceof HTMLButtonElement && this.#pressKey(target));
    this.#screen.addEventListener('pointerdown', ({ clientY }) => (this.#touchedAt = clientY), true);
    visualViewport?.addEventListener('resize', () => this.#keepInView());
  }

  /** Shows the keyboard, or puts it away. Called in an event of the user's, which browsers require. */
  toggle() {
    const isShown = this.#field.inputMode === 'none';
    this.#setMode(isShown ? 'text' : 'none');
    // A browser looks at the mode when the field gets the focus.
    this.#field.blur();
    this.#field.focus({ preventScroll: true });
  }

  /** Releases Ctrl and Alt, which hold until the next key. */
  releaseHeld() {
    for (const button of this.#keys.querySelectorAll('[aria-pressed="true"]')) {
      if (button instanceof HTMLButtonElement) this.#hold(button, false);
    }
  }

  /** @param {'none' | 'text'} mode */
  #setMode(mode) {
    this.#field.inputMode = mode;
    this.#keys.hidden = mode === 'none';
    if (mode === 'none') this.releaseHeld();
  }

  /** @param {HTMLButtonElement} button */
  #pressKey(button) {
    const code = button.value;
    const key = KEYS.get(code);
    if (key === undefined) return;
    if (key.isHeld) return this.#hold(button, button.ariaPressed !== 'true');
    this.#press(key.keysym, code);
    this.releaseHeld();
  }

  /**
   * @param {HTMLButtonElement} button
   * @param {boolean} isDown
   */
  #hold(button, isDown) {
    button.ariaPressed = String(isDown);
    this.#press(KEYS.get(button.value)?.keysym ?? 0, button.value, isDown);
  }

  /** Moves the desktop up as far as the keyboard covers where it was touched. The desktop's own size stays. */
  #keepInView() {
    const { height = innerHeight, offsetTop = 0 } = visualViewport ?? {};
    const covered = Math.max(0, innerHeight - height - offsetTop);
    const isOver = covered > 80;
    // Put away by the device's own button.
    if (this.#isOver && !isOver) this.#setMode('none');
    this.#isOver = isOver;
    const up = isOver ? Math.min(covered, Math.max(0, this.#touchedAt - height / 2)) : 0;
    this.#screen.style.transform = up > 0 ? `translateY(${-up}px)` : '';
    this.#keys.style.bottom = `${covered}px`;
  }
}
