/**
 * What an on-screen keyboard may delete although the field is empty for us: it reports only changes of what is there.
 * Lines, so that no keyboard takes them for the beginning of a word.
 */
const PADDING = '\n'.repeat(40);
/** The field is emptied when it holds more: a keyboard rereads all of it at each change. */
const MOST_CHARACTERS = 400;
const WAY_OUT = new Set(['Control', 'Alt', 'Shift']);

/**
 * @typedef {object} Sink
 * @property {(event: KeyboardEvent) => void} key
 * @property {(text: string) => void} text
 * @property {(count: number) => void} erase
 * @property {() => void} leave The keyboard is wanted for the page itself.
 */

/**
 * A text field that has the focus in the desktop's place, because input methods and on-screen keyboards write only into
 * such fields. Keys go to `sink.key`, what is composed or written goes to `sink.text`.
 *
 * All keys are the desktop's, also Tab: Ctrl, Alt and Shift together, and nothing else, are the way out.
 */
export class Typing {
  #field;
  #sink;
  /** The field's value that the desktop has. */
  #sent = PADDING;
  #isComposing = false;
  /** Whether an on-screen keyboard writes: it composes each word, and shows nothing of it itself. */
  #isOnScreen = false;
  /** Whether the keys of the way out were pressed, and no other since. */
  #isLeaving = false;
  /** @type {Map<string, KeyboardEvent>} By their code, the keys that are down on the desktop. */
  #down = new Map();

  /**
   * @param {HTMLTextAreaElement} field
   * @param {Sink} sink
   */
  constructor(field, sink) {
    this.#field = field;
    this.#sink = sink;
    field.value = PADDING;
    field.addEventListener('keydown', (event) => this.#press(event));
    field.addEventListener('keyup', (event) => this.#release(event));
    field.addEventListener('blur', () => this.#releaseAll());
    field.addEventListener('compositionstart', () => this.#compose(true));
    field.addEventListener('compositionend', () => this.#compose(false));
    field.addEventListener('input', () => this.#read());
  }

  focus() {
    this.#field.focus({ preventScroll: true });
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    // The letters of an input method, and the accent of a dead key: what comes of them is written into the field.
    const isWritten = event.isComposing || event.keyCode === 229 || ['Process', 'Dead', 'Unidentified'].includes(event.key);
    this.#isOnScreen = isWritten && event.code === '';
    if (isWritten) return;
    event.preventDefault();
    this.#isLeaving = WAY_OUT.has(event.key) && event.ctrlKey && event.altKey && event.shiftKey;
    if (isBeyondAscii(event)) return this.#sink.text(event.key);
    this.#down.set(event.code, event);
    this.#sink.key(event);
  }

  /** @param {KeyboardEvent} event */
  #release(event) {
    if (!this.#down.delete(event.code)) return;
    event.preventDefault();
    this.#sink.key(event);
    if (this.#isLeaving) this.#sink.leave();
    this.#isLeaving = false;
  }

  /** The keyboard is elsewhere from now on, and so would be the ends of these keys. */
  #releaseAll() {
    for (const { key, code, location } of this.#down.values()) {
      this.#sink.key(new KeyboardEvent('keyup', { key, code, location }));
    }
    this.#down.clear();
  }

  /** @param {boolean} isComposing */
  #compose(isComposing) {
    this.#isComposing = isComposing;
    this.#field.classList.toggle('composing', isComposing && !this.#isOnScreen);
    if (!isComposing) this.#read();
  }

  /** Sends what has changed in the field since the last time. */
  #read() {
    if (this.#isComposing && !this.#isOnScreen) return;
    const before = Array.from(this.#sent);
    const now = Array.from(this.#field.value);
    let same = 0;
    while (same < before.length && before[same] === now[same]) same += 1;
    if (before.length > same) this.#sink.erase(before.length - same);
    if (now.length > same) this.#sink.text(now.slice(same).join(''));
    this.#sent = this.#field.value;
    if (this.#isComposing) return;
    if (this.#sent.length > MOST_CHARACTERS || this.#sent.length < PADDING.length) this.#empty();
  }

  #empty() {
    this.#field.value = PADDING;
    this.#sent = PADDING;
  }
}

/**
 * Whether the key writes a character that is not on a keyboard of ASCII letters, as ä or é. One in a shortcut does not:
 * Control and Alt write only together, as AltGr, but on a Mac Alt is what writes.
 *
 * @param {KeyboardEvent} event
 */
function isBeyondAscii(event) {
  const { key, ctrlKey, altKey, metaKey } = event;
  if (Array.from(key).length !== 1 || key <= '~') return false;
  if (event.getModifierState('AltGraph')) return true;
  return !ctrlKey && !metaKey && (!altKey || /^(Mac|iP)/.test(navigator.platform));
}
