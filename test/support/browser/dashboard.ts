import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, onTestFinished } from 'vitest';
import { openBrowser } from './browser.ts';
import type { TestGateway } from '../gateway/gateway.ts';
import { testImage } from '../engine/images/tiny-image.ts';

export const WIDE = { width: 1280, height: 800 } as const;
export const PHONE = { width: 390, height: 844 } as const;

/** The dashboard in a window, with whatever it said against its own policy or failed at. */
export interface DashboardPage {
  readonly context: BrowserContext;
  readonly page: Page;
  readonly complaints: string[];
  /** The row of a VM in the list. */
  row(name: string): ReturnType<Page['locator']>;
}

interface DashboardOptions {
  /** Signs in with it, as `npm start` does; otherwise nobody is signed in. */
  readonly token?: string;
  readonly path?: string;
  readonly context?: Parameters<Browser['newContext']>[0];
}

/** Opens the dashboard of a gateway; the test's end closes it. */
export type OpenDashboard = (gateway: Pick<TestGateway, 'port'>, options?: DashboardOptions) => Promise<DashboardPage>;

/** One browser for the tests of the file that calls this. */
export function useDashboardBrowser(): OpenDashboard {
  let browser: Browser | undefined;
  beforeAll(async () => {
    browser = await openBrowser();
  }, 60_000);
  afterAll(() => browser?.close());
  return async (gateway, options) => {
    if (browser === undefined) throw new Error('The browser is opened by a hook: use it in tests.');
    const dashboard = await openDashboard(browser, gateway, options);
    onTestFinished(() => dashboard.context.close());
    return dashboard;
  };
}

/** Opens the dashboard. The caller closes its context. */
export async function openDashboard(
  browser: Browser,
  gateway: Pick<TestGateway, 'port'>,
  { token, path = '/', context: options = {} }: DashboardOptions = {},
): Promise<DashboardPage> {
  const context = await browser.newContext({ viewport: WIDE, reducedMotion: 'reduce', ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => void (message.type() === 'error' && complaints.push(message.text())));
  page.on('pageerror', (error) => complaints.push(error.message));
  // Browsers resolve localhost and every name below it to this machine.
  const origin = `http://localhost:${gateway.port}`;
  if (token !== undefined) {
    await page.goto(`${origin}/sign-in#token=${token}`);
    await page.getByText('Live', { exact: true }).waitFor();
  }
  if (token === undefined || path !== '/') await page.goto(`${origin}${path}`);
  return { context, page, complaints, row: (name) => page.locator('.vm-row', { hasText: name }) };
}

/** An entry of the catalog whose app writes this line and ends with exit code 3. */
export async function crasher(line: string): Promise<object> {
  const command = ['/bin/sh', '-c', `echo '${line}' >&2; exit 3`];
  return { code: 'crasher', name: 'Crasher', image: await testImage(), defaultPort: 3000, command };
}
