/** Fills the screen, and gives the desktop the keys that browsers and systems keep: Escape, Alt-Tab, Ctrl-W. */
export async function toggleFullScreen() {
  if (document.fullscreenElement) return document.exitFullscreen();
  await document.documentElement.requestFullscreen();
  /** @type {Navigator & { keyboard?: { lock(): Promise<void> } }} Chromium's, on https. */
  const { keyboard } = navigator;
  // To leave, one holds Escape, and the browser says so.
  await keyboard?.lock().catch(() => undefined);
}

/**
 * Keeps true what the button says, and takes it away where nothing can fill the screen, as on an iPhone.
 *
 * @param {HTMLButtonElement} button
 */
export function followFullScreen(button) {
  button.hidden = !document.fullscreenEnabled;
  document.addEventListener('fullscreenchange', () => {
    button.textContent = document.fullscreenElement ? 'Leave full screen' : 'Full screen';
  });
}
