import { byId } from './by-id.js';

/** The bar at the top edge. Its grip opens it: by a tap, when the mouse comes to it, or by the keyboard. */
export class Toolbar {
  #bar = byId('bar', HTMLElement);
  #grip = byId('grip', HTMLButtonElement);
  #tools = byId('tools', HTMLElement);
  #onLeave;

  /** @param {() => void} onLeave The keyboard goes back to the desktop. */
  constructor(onLeave) {
    this.#onLeave = onLeave;
    // The mouse has opened it by coming here.
    this.#grip.addEventListener('click', (event) => this.#show(this.#tools.hidden !== false || isByMouse(event)));
    this.#grip.addEventListener('pointerenter', (event) => isByMouse(event) && this.#show(true));
    this.#bar.addEventListener('pointerleave', (event) => {
      if (isByMouse(event) && !this.#tools.contains(document.activeElement)) this.#show(false);
    });
    this.#bar.addEventListener('keydown', ({ key }) => key === 'Escape' && this.close());
  }

  /** With the keyboard in it. */
  open() {
    this.#show(true);
    for (const each of this.#tools.querySelectorAll('button, select')) {
      if (each instanceof HTMLElement && each.offsetParent !== null) return each.focus();
    }
  }

  /** Gives the keyboard back to the desktop, too. */
  close() {
    this.#show(false);
    this.#onLeave();
  }

  /** @param {boolean} isOpen */
  #show(isOpen) {
    this.#tools.hidden = !isOpen;
    this.#grip.setAttribute('aria-expanded', String(isOpen));
  }
}

/**
 * @param {Event} event
 * @returns {boolean}
 */
function isByMouse(event) {
  return event instanceof PointerEvent && event.pointerType === 'mouse';
}
