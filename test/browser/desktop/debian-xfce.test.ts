import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openBrowser, keepScreenshot } from '../../support/browser/browser.ts';
import { screenSize, seeDesktop } from '../../support/browser/desktop.ts';
import { containerOf, processesOf, readFileOf } from '../../support/engine/containers.ts';
import { eventually } from '../../support/eventually.ts';
import { createTestGateway, type TestGateway } from '../../support/gateway/gateway.ts';
import { awaitRunning, NO_REGISTRY, openByLink } from '../../support/vm/real-vm.ts';
import { createVm } from '../../support/vm/vms.ts';

const PASSWORD = 'a password of 27 characters';
const TERMINAL_BUTTON = { x: 117, y: 785 };

let gateway: TestGateway;
let token: string;
let browser: Browser;
let page: Page;
let id: string;

// One story in steps: what a user does with a desktop, from its creation on.
describe('a Debian desktop with XFCE, where no registry answers', () => {
  beforeAll(async () => {
    const images = { xfce: `${NO_REGISTRY}/webtop:debian-xfce` };
    const debian = { code: 'debian', images, localImages: { xfce: 'local/webtop:debian-xfce' } };
    gateway = await createTestGateway({ distributions: [debian] });
    token = await gateway.token('alice');
    browser = await openBrowser();
    page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  }, 90_000);

  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') await keepScreenshot(page, 'xfce-failed');
  });

  afterAll(async () => {
    await browser?.close();
    await gateway?.[Symbol.asyncDispose]();
  }, 60_000);

  it(
    'is created, started and opened by its link, and asks for the password when it runs',
    { timeout: 120_000 },
    async () => {
      const input = { distribution: 'debian', desktop: 'xfce', password: PASSWORD, ram: 2, storageType: 'PERSISTENT' };
      id = await createVm(gateway, token, input);
      await gateway.graphql(token, `mutation { startVm(id: "${id}") { status } }`);
      await openByLink(page, gateway, token, id);
      // It shows how far the boot is, and moves on by itself.
      await page.locator('#password').waitFor({ timeout: 90_000 });
      await keepScreenshot(page, 'xfce-1-sign-in');
      expect(await page.title()).toBe('Debian XFCE: sign in');
    },
  );

  it('refuses another password', async () => {
    await signIn('a password of 27 letters');
    await page.getByText('That password is not right.').waitFor();
  });

  it('shows the desktop to a visitor with the password', { timeout: 60_000 }, async () => {
    await signIn(PASSWORD);
    await seeDesktop(page);
    await keepScreenshot(page, 'xfce-2-desktop');
  });

  it('opens a terminal, and what is typed arrives', { timeout: 150_000 }, async () => {
    const container = await containerOf(id);
    await eventually(
      async () => {
        await page.mouse.click(TERMINAL_BUTTON.x, TERMINAL_BUTTON.y);
        return eventually(async () => (await processesOf(container)).includes('bash'), { deadline: 5_000 });
      },
      { deadline: 60_000 },
    );
    const typed = await eventually(
      async () => {
        // Again from the start of a line, should the window have come up in the middle of the last one.
        await page.keyboard.press('Control+c');
        await page.keyboard.type('echo "$(whoami) in $(pwd), {not} <mangled> & complete" > typed.txt\n', { delay: 10 });
        return eventually(() => readFileOf(container, '/config/typed.txt'), { deadline: 6_000 });
      },
      { deadline: 60_000 },
    );
    expect(typed).toBe('abc in /config, {not} <mangled> & complete\n');
    await keepScreenshot(page, 'xfce-3-typed');
  });

  it('grows with the window', { timeout: 60_000 }, async () => {
    await page.setViewportSize({ width: 1600, height: 900 });
    await eventually(async () => (await screenSize(page)) === '1600x900', { deadline: 30_000 });
    await keepScreenshot(page, 'xfce-4-larger');
  });

  it('keeps who is signed in, and their files, when its container is replaced', { timeout: 120_000 }, async () => {
    const before = await containerOf(id);
    await gateway.graphql(token, `mutation { restartVm(id: "${id}") { status } }`);
    const after = await eventually(async () => (await containerOf(id)) !== before && containerOf(id), {
      deadline: 60_000,
    });
    await awaitRunning(gateway, token, id);
    await openByLink(page, gateway, token, id);
    await seeDesktop(page);
    expect(await readFileOf(after, '/config/typed.txt')).toContain('abc in /config');
    await keepScreenshot(page, 'xfce-5-replaced');
  });
});

async function signIn(password: string): Promise<void> {
  await page.fill('#password', password);
  await page.press('#password', 'Enter');
}
