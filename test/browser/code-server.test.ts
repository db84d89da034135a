import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { keepScreenshot, openBrowser } from '../support/browser/browser.ts';
import { containerOf, readFileOf } from '../support/engine/containers.ts';
import { eventually } from '../support/eventually.ts';
import { createTestGateway, type TestGateway } from '../support/gateway/gateway.ts';
import { NO_REGISTRY, openByLink } from '../support/vm/real-vm.ts';
import { createVm } from '../support/vm/vms.ts';

const PASSWORD = 'a password of 27 characters';

let gateway: TestGateway;
let token: string;
let browser: Browser;
let page: Page;
let id: string;

// One story in steps: each test goes on from the one before.
describe('code-server, where no registry answers', () => {
  beforeAll(async () => {
    const codeServer = {
      code: 'code-server',
      image: `${NO_REGISTRY}/code-server:latest`,
      localImage: 'local/code-server:latest',
    };
    gateway = await createTestGateway({ distributions: [codeServer], withoutTiny: true });
    token = await gateway.token('alice');
    browser = await openBrowser();
    page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  }, 90_000);

  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') await keepScreenshot(page, 'code-failed');
  });

  afterAll(async () => {
    await browser?.close();
    await gateway?.[Symbol.asyncDispose]();
  }, 60_000);

  it('is opened while it boots, and asks for the password when it runs', { timeout: 120_000 }, async () => {
    id = await createVm(gateway, token, { distribution: 'code-server', desktop: null, password: PASSWORD, ram: 2 });
    await gateway.graphql(token, `mutation { startVm(id: "${id}") { status } }`);
    await openByLink(page, gateway, token, id);
    await page.locator('input[type=password]').waitFor({ timeout: 90_000 });
    await keepScreenshot(page, 'code-1-sign-in');
  });

  it('refuses another password', async () => {
    await signIn('a password of 27 letters');
    await page.getByText('Incorrect password').waitFor();
  });

  it('shows the editor to a visitor with the password', { timeout: 150_000 }, async () => {
    await signIn(PASSWORD);
    await page.locator('.monaco-workbench .explorer-folders-view').waitFor({ timeout: 140_000 });
    await keepScreenshot(page, 'code-2-editor');
  });

  it('opens a terminal, and what is typed arrives in the workspace', { timeout: 150_000 }, async () => {
    const container = await containerOf(id);
    const typed = await eventually(
      async () => {
        if (!(await page.locator('.terminal.xterm').isVisible())) await page.keyboard.press('Control+Backquote');
        await page.locator('.terminal.xterm').waitFor({ timeout: 10_000 });
        await page.locator('.terminal.xterm').click();
        await page.keyboard.press('Control+c');
        await page.keyboard.type('echo "$(whoami) in $(pwd), password: ${PASSWORD-none}" > typed.txt\n', { delay: 10 });
        return eventually(() => readFileOf(container, '/config/workspace/typed.txt'), { deadline: 20_000 });
      },
      { deadline: 110_000 },
    );
    expect(typed).toBe('abc in /config/workspace, password: none\n');
    await page.getByText('typed.txt', { exact: true }).first().waitFor({ timeout: 20_000 });
    await keepScreenshot(page, 'code-3-typed');
  });
});

async function signIn(password: string): Promise<void> {
  await page.fill('input[type=password]', password);
  await page.press('input[type=password]', 'Enter');
}
