import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keepScreenshot, openBrowser } from '../support/browser/browser.ts';
import { eventually } from '../support/eventually.ts';
import { testToken } from '../support/gateway/tokens.ts';
import { useGateway } from '../support/gateway/use-gateway.ts';
import { createOpenLink } from '../support/ingress/open-vm.ts';
import { awaitRunning } from '../support/vm/real-vm.ts';
import { createVm } from '../support/vm/vms.ts';

const gateway = useGateway();
const token = await testToken('terminal-page');
let browser: Browser;
let vmId: string;

const run = (mutation: string) => gateway.graphql(token, `mutation { ${mutation} }`);

beforeAll(async () => {
  browser = await openBrowser();
  vmId = await createVm(gateway, token, { vmlabel: 'My shell' });
  await run(`startVm(id: "${vmId}") { id }`);
  await awaitRunning(gateway, token, vmId);
}, 120_000);
afterAll(() => browser?.close());

/** The page of the terminal, opened as from the dashboard; with what it said against its own policy or failed at. */
async function openPage(viewport: { width: number; height: number }, isTouch = false) {
  const context = await browser.newContext({
    viewport,
    hasTouch: isTouch,
    isMobile: isTouch,
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  const page = await context.newPage();
  const problems: string[] = [];
  page.on('console', (message) => void (message.type() === 'error' && problems.push(message.text())));
  page.on('pageerror', (error) => void problems.push(String(error)));
  const link = await createOpenLink(gateway, token, vmId);
  link.searchParams.set('to', 'terminal');
  await page.goto(link.href);
  await eventually(async () => (await rowsOf(page)).includes('#'));
  return { page, problems };
}
const rowsOf = (page: Page): Promise<string> => page.locator('.xterm-rows').innerText();
const statusOf = (page: Page): Promise<string> => page.locator('#status').innerText();

describe('the page of the terminal', () => {
  it('shows a shell in colors and in the size of the window, copies and pastes, and opens a new one after its end', async () => {
    const { page, problems } = await openPage({ width: 1280, height: 720 });
    expect(await page.title()).toContain('My shell');
    await page.keyboard.type('printf "\\033[31mred-%s\\033[0m\\n" $((40 + 2))\n');
    await eventually(async () => (await rowsOf(page)).includes('red-42'));
    await keepScreenshot(page, 'terminal');
    const red = page.locator('.xterm-rows .xterm-fg-1', { hasText: 'red-42' });
    expect(await red.evaluate((each) => getComputedStyle(each).color)).not.toBe('rgb(233, 234, 236)');
    await page.evaluate(() => navigator.clipboard.writeText('echo pasted-$((1 + 1))'));
    await page.keyboard.press('Control+Shift+V');
    await page.keyboard.press('Enter');
    await eventually(async () => (await rowsOf(page)).includes('pasted-2'));
    const { x, y } = (await red.boundingBox()) ?? { x: 0, y: 0 };
    await page.mouse.dblclick(x + 5, y + 5);
    await page.keyboard.press('Control+Shift+C');
    await eventually(async () => (await page.evaluate(() => navigator.clipboard.readText())).startsWith('red-42'));
    await page.keyboard.type('exit 3\n');
    await eventually(async () => (await statusOf(page)) === 'The shell has ended with exit code 3.');
    await page.getByRole('button', { name: 'New shell' }).click();
    await eventually(async () => (await statusOf(page)) === '' && !(await rowsOf(page)).includes('exit 3'));
    expect(problems).toEqual([]);
    await page.close();
  });

  it('fits a phone, whose keys that it lacks are buttons', async () => {
    const { page, problems } = await openPage({ width: 390, height: 700 }, true);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    await page.keyboard.type('sleep 600\n');
    await page.getByRole('button', { name: 'Ctrl' }).tap();
    await page.keyboard.type('c');
    await page.keyboard.type('echo on-$((1 + 2))\n');
    await eventually(async () => (await rowsOf(page)).includes('on-3'));
    for (const button of await page.getByRole('button').all())
      if (await button.isVisible()) expect((await button.boundingBox())?.height).toBeGreaterThanOrEqual(44);
    await keepScreenshot(page, 'terminal-phone');
    expect(problems).toEqual([]);
    await page.close();
  });

  it('says when its access has ended', async () => {
    const { page } = await openPage({ width: 1000, height: 600 });
    await run(`endAccess(vmId: "${vmId}") { id }`);
    await eventually(async () => (await page.title()) === 'Your access has ended');
    await page.close();
  });
});
