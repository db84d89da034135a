import type { Page } from 'playwright-core';

/** How varied the desktop's picture is: one of a single colour is none. */
export function countColours(page: Page): Promise<number> {
  return page.evaluate(`(() => {
    const canvas = document.querySelector('#screen canvas');
    if (canvas === null || canvas.width === 0) return 0;
    const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
    const seen = new Set();
    for (let at = 0; at < pixels.length; at += 4 * 97) seen.add((pixels[at] << 16) | (pixels[at + 1] << 8) | pixels[at + 2]);
    return seen.size;
  })()`);
}
