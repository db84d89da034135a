import RFB from './novnc/core/rfb.js';
import keysyms from './novnc/core/input/keysymdef.js';

const LONGEST_PAUSE_MS = 5000;
/** Keys that write no character, by the character that stands for them in a text. */
const KEYSYM_OF = new Map([['\n', 0xff0d], ['\t', 0xff09]]);
const BACKSPACE = 0xff08;
/** The server's code for a connection that came before there is a desktop. */
const TRY_AGAIN_LATER = 1013;

/**
 * @typedef {object} Listener
 * @property {(rfb: RFB) => void} onOpening The client is there, and may be given its settings.
 * @property {(canvas: HTMLCanvasElement | null) => void} onOpen Its picture is still to come.
 * @property {(words: string, canvas: HTMLCanvasElement | null) => void} onLost With the last picture.
 * @property {(text: string) => void} onClipboard
 */

/** The connection to the desktop, which opens again whenever it is lost. */
export class Connection {
  #screen;
  #mayResize;
  #listener;
  /** @type {RFB | undefined} */
  #rfb;
  /** @type {WebSocket | undefined} */
  #socket;
  #failures = 0;
  /** How many pages show the desktop, as the server said last. */
  #audience = 0;
  /** Ends the pause before the next attempt. */
  #hurry = () => {};

  /**
   * @param {HTMLElement} screen
   * @param {boolean} mayResize Whether the desktop takes the size of the page.
   * @param {Listener} listener
   */
  constructor(screen, mayResize, listener) {
    this.#screen = screen;
    this.#mayResize = mayResize;
    this.#listener = listener;
    window.addEventListener('online', () => this.#hurry());
  }

  open() {
    const socket = new WebSocket(new URL('vnc', location.href).href.replace(/^http/, 'ws'));
    let words = 'The connection was lost. Trying again…';
    socket.addEventListener('message', (event) => this.#readMessage(event));
    socket.addEventListener('close', ({ code }) => {
      if (code === TRY_AGAIN_LATER) words = 'The desktop is starting…';
      else if (!navigator.onLine) words = 'You are offline. Trying again…';
    });
    this.#socket = socket;
    const rfb = new RFB(this.#screen, socket, { shared: true });
    askInPixels(rfb);
    this.#rfb = rfb;
    rfb.resizeSession = this.#mayResize;
    rfb.scaleViewport = true;
    rfb.focusOnClick = false;
    rfb.compressionLevel = 2;
    rfb.background = '#14202b';
    this.#listener.onOpening(rfb);
    const canvas = this.#screen.querySelector('canvas');
    rfb.addEventListener('connect', () => {
      this.#failures = 0;
      this.#tellScale();
      this.#listener.onOpen(canvas);
    });
    rfb.addEventListener('disconnect', () => {
      this.#listener.onLost(words, canvas);
      void this.#reopen();
    });
    rfb.addEventListener('clipboard', ({ detail }) => this.#listener.onClipboard(detail.text));
  }

  /** Gives the desktop this page's size. It has that of the page that asked last. */
  fit() {
    if (this.#rfb !== undefined) this.#rfb.resizeSession = this.#mayResize;
    this.#tellScale();
  }

  /** @param {number} level */
  setQuality(level) {
    if (this.#rfb !== undefined) this.#rfb.qualityLevel = level;
  }

  /** @param {string} text */
  paste(text) {
    this.#rfb?.clipboardPasteFrom(text);
  }

  ctrlAltDel() {
    this.#rfb?.sendCtrlAltDel();
  }

  /**
   * Presses or releases a key.
   *
   * @param {KeyboardEvent} event
   */
  key(event) {
    const { type, key, code, location: place, keyCode, ctrlKey, shiftKey, altKey, metaKey, repeat } = event;
    const locks = {
      modifierCapsLock: event.getModifierState('CapsLock'),
      modifierNumLock: event.getModifierState('NumLock'),
      modifierAltGraph: event.getModifierState('AltGraph'),
    };
    const modifiers = { ctrlKey, shiftKey, altKey, metaKey, ...locks };
    const copy = new KeyboardEvent(type, { key, code, location: place, keyCode, repeat, ...modifiers });
    this.#screen.querySelector('canvas')?.dispatchEvent(copy);
  }

  /**
   * Presses and releases keys, or one of both.
   *
   * @param {number} keysym
   * @param {string} code
   * @param {boolean} [isDown]
   */
  press(keysym, code, isDown) {
    this.#rfb?.sendKey(keysym, code, isDown);
  }

  /** @param {number} count */
  erase(count) {
    for (let each = 0; each < count; each += 1) this.#rfb?.sendKey(BACKSPACE, 'Backspace');
  }

  /**
   * Types it. Only characters of ASCII have keys; the server types the others.
   *
   * @param {string} text
   */
  type(text) {
    for (const [part] of text.matchAll(/[\t\n -~]|[^\t\n -~]+/gu)) {
      const isKey = /^[\t\n -~]$/.test(part);
      if (!isKey) this.#send({ text: part });
      else this.#rfb?.sendKey(KEYSYM_OF.get(part) ?? keysyms.lookup(part.charCodeAt(0)), '');
    }
  }

  /** The desktop draws larger where a page's pixel is several of the screen's. */
  #tellScale() {
    if (this.#mayResize) this.#send({ scale: pixelRatio() });
  }

  /** @param {{ text: string } | { scale: number }} message */
  #send(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  /**
   * Text is the server's; binary messages are the picture's protocol.
   *
   * @param {MessageEvent} event
   */
  #readMessage(event) {
    if (typeof event.data !== 'string') return;
    event.stopImmediatePropagation();
    const { browsers } = JSON.parse(event.data);
    // Whoever gave the desktop its size may have left.
    if ((browsers < this.#audience || browsers === 1) && document.visibilityState === 'visible') this.fit();
    this.#audience = browsers;
  }

  async #reopen() {
    const pause = Math.min(500 * 2 ** this.#failures, LONGEST_PAUSE_MS);
    this.#failures += 1;
    await new Promise((resolve) => {
      this.#hurry = () => resolve(undefined);
      setTimeout(resolve, pause);
    });
    if (await isSignedOut()) location.reload();
    else this.open();
  }
}

/**
 * Has the client ask for a desktop in pixels of the screen instead of the page's, so that it is sharp. It scales the
 * picture to the page anyway. The client has no setting for this; its version is pinned.
 *
 * @param {RFB} rfb
 */
function askInPixels(rfb) {
  const request = rfb._requestRemoteResize.bind(rfb);
  const pageSize = rfb._screenSize.bind(rfb);
  rfb._requestRemoteResize = () => {
    rfb._screenSize = () => {
      const { w, h } = pageSize();
      return { w: Math.floor(w * pixelRatio()), h: Math.floor(h * pixelRatio()) };
    };
    try {
      request();
    } finally {
      rfb._screenSize = pageSize;
    }
  };
}

/** In quarters, because a zoomed page has any. Not below 1: a page that is zoomed out shows more of the desktop. */
function pixelRatio() {
  // A desktop that cannot draw larger would be tiny.
  if (!('scales' in document.body.dataset)) return 1;
  return Math.min(4, Math.max(1, Math.round(devicePixelRatio * 4) / 4));
}

/** Also when it is no longer the desktop that answers here, as after a stop: then too, reloading shows what is. */
async function isSignedOut() {
  try {
    const answer = await fetch('desktop.js', { headers: { accept: '*/*' }, cache: 'no-store', redirect: 'manual' });
    return !answer.ok;
  } catch {
    return false;
  }
}
