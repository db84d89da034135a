import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium, type Browser, type Page } from 'playwright-core';

/** Overwritten by each run, for people: what the tests saw last. */
const SCREENSHOTS = fileURLToPath(new URL('../../../.runtime/screenshots', import.meta.url));

/** Speaks to nobody but the pages that it is sent to. */
const QUIET = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Debian's Chromium, which `npm test` installs. The caller closes it. `more`: arguments of its command line. */
export function openBrowser(more: readonly string[] = []): Promise<Browser> {
  const args = [...QUIET, ...more];
  return chromium.launch({ executablePath: '/usr/bin/chromium', headless: true, args, timeout: 60_000 });
}

/** Keeps what the page shows as .runtime/screenshots/NAME.png. */
export async function keepScreenshot(page: Page, name: string): Promise<void> {
  mkdirSync(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: path.join(SCREENSHOTS, `${name}.png`) });
}
