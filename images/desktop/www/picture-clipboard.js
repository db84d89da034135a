import { byId } from './by-id.js';

const PNG = 'image/png';
const ADDRESS = 'clipboard.png';

/** Carries pictures between the clipboards: in by itself, out by a button, because the desktop does not tell of them. */
export class PictureClipboard {
  #button = byId('copy-picture', HTMLButtonElement);
  #problem = byId('picture-problem', HTMLElement);
  /** Of the last picture that was sent. */
  #digest = '';

  constructor() {
    // Browsers keep the clipboard from pages on plain http.
    this.#button.hidden = navigator.clipboard?.write === undefined;
    this.#button.addEventListener('click', () => void this.#copy());
  }

  /** @returns {Promise<boolean>} Whether the visitor's clipboard has a picture and no text. It goes to the desktop. */
  async send() {
    const items = (await navigator.clipboard?.read?.().catch(() => [])) ?? [];
    const item = items.find(({ types }) => types.includes(PNG) && !types.includes('text/plain'));
    if (item === undefined) return false;
    const picture = await item.getType(PNG);
    const bytes = await crypto.subtle.digest('SHA-256', await picture.arrayBuffer());
    const digest = new Uint8Array(bytes).join();
    if (digest !== this.#digest) await fetch(ADDRESS, { method: 'PUT', body: picture }).catch(() => undefined);
    this.#digest = digest;
    return true;
  }

  async #copy() {
    this.#problem.textContent = '';
    const answer = await fetch(ADDRESS, { cache: 'no-store' }).catch(() => undefined);
    if (answer?.ok !== true) {
      this.#problem.textContent = "There is no picture on the desktop's clipboard.";
      return;
    }
    try {
      await navigator.clipboard.write([new ClipboardItem({ [PNG]: await answer.blob() })]);
      this.#problem.textContent = 'The picture is on your clipboard.';
    } catch {
      this.#problem.textContent = 'Your browser keeps its clipboard from this page.';
    }
  }
}
