import { signal } from '@preact/signals';

const TICK_MS = 1_000;

/** Now, in ms since 1970, each second while the page is visible. */
export const now = signal(Date.now());

setInterval(() => {
  if (document.visibilityState === 'visible') now.value = Date.now();
}, TICK_MS);
document.addEventListener('visibilitychange', () => (now.value = Date.now()));
