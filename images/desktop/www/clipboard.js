import { byId } from './by-id.js';
import { PictureClipboard } from './picture-clipboard.js';

/** Carries text and pictures between the visitor's clipboard and the desktop's, each way when it has changed. */
export class Clipboard {
  #paste;
  #dialog = byId('clipboard', HTMLDialogElement);
  #field = byId('clipboard-text', HTMLTextAreaElement);
  /** The last text of either clipboard: it is not sent back to where it came from. */
  #text = '';
  #pictures = new PictureClipboard();

  /**
   * @param {boolean} isShared Whether what was copied elsewhere goes to the desktop.
   * @param {(text: string) => void} paste Into the desktop's.
   * @param {() => void} onClose
   */
  constructor(isShared, paste, onClose) {
    this.#paste = paste;
    if (isShared) window.addEventListener('focus', () => void this.#fetch());
    this.#dialog.addEventListener('close', () => {
      if (this.#dialog.returnValue === 'send') {
        this.#text = this.#field.value;
        paste(this.#text);
      }
      onClose();
    });
  }

  /** For browsers that keep the clipboard from pages: on plain http, and without permission. */
  openDialog() {
    this.#dialog.showModal();
  }

  /**
   * The desktop has copied this.
   *
   * @param {string} text
   */
  take(text) {
    this.#text = text;
    this.#field.value = text;
    void navigator.clipboard?.writeText(text).catch(() => undefined);
  }

  /** The page has come to the front: what was copied elsewhere in between goes to the desktop. */
  async #fetch() {
    if (await this.#pictures.send()) return;
    const text = await navigator.clipboard?.readText().catch(() => '');
    if (!text || text === this.#text) return;
    this.#text = text;
    this.#paste(text);
  }
}
