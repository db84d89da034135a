import { byId } from './by-id.js';

/** What is seen while there is no connection: the desktop's last picture, dimmed, and a word. */
export class Cover {
  #last = byId('last', HTMLElement);
  #status = byId('status', HTMLElement);
  /** Counts what is shown: only the newest picture may lift it. */
  #shown = 0;

  /**
   * @param {string} words
   * @param {HTMLCanvasElement | null} picture Of the connection that was lost; null keeps the one that is held.
   */
  show(words, picture) {
    this.#shown += 1;
    this.#status.textContent = words;
    if (picture !== null && picture.width > 0) this.#last.replaceChildren(picture);
  }

  /**
   * Goes once the canvas has a picture, which takes its time over a slow network.
   *
   * @param {HTMLCanvasElement | null} canvas
   * @param {string} words Until then.
   */
  liftFor(canvas, words) {
    const shown = this.#shown;
    this.#status.textContent = words;
    const look = () => {
      if (shown !== this.#shown) return;
      if (canvas !== null && !isDrawn(canvas)) return void requestAnimationFrame(look);
      this.#status.textContent = '';
      this.#last.replaceChildren();
    };
    look();
  }
}

/** @param {HTMLCanvasElement} canvas */
function isDrawn(canvas) {
  if (canvas.width === 0) return false;
  const middle = canvas.getContext('2d')?.getImageData(canvas.width >> 1, canvas.height >> 1, 1, 1);
  return middle?.data[3] === 255;
}
