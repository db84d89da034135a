import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { keepScreenshot, openBrowser } from '../../support/browser/browser.ts';
import { dropPaths } from '../../support/browser/drop-paths.ts';
import { containerOf, processesOf } from '../../support/engine/containers.ts';
import { execIn } from '../../support/engine/exec-in.ts';
import { awaitFocus } from '../../support/browser/desktop.ts';
import { countColours } from '../../support/browser/desktop-picture.ts';
import { eventually } from '../../support/eventually.ts';
import { createTestGateway, type TestGateway } from '../../support/gateway/gateway.ts';
import { awaitRunning, NO_REGISTRY } from '../../support/vm/real-vm.ts';
import { movePointer, pointerOf } from '../../support/browser/rfb.ts';
import { createVm } from '../../support/vm/vms.ts';

const PASSWORD = 'a password of 27 characters';
const TERMINAL_BUTTON = { x: 117, y: 785 };
const VIEWPORT = { width: 1280, height: 800 };

let gateway: TestGateway;
let token: string;
let browser: Browser;
let owner: Page;
let viewer: Page;
let id: string;

// One story in steps: the owner of a desktop, and a guest it is shared with.
describe('a desktop that is opened and shared', () => {
  beforeAll(async () => {
    const debian = {
      code: 'debian',
      images: { xfce: `${NO_REGISTRY}/webtop:debian-xfce` },
      localImages: { xfce: 'local/webtop:debian-xfce' },
      signIn: { kind: 'basic' },
    };
    gateway = await createTestGateway({ distributions: [debian] });
    token = await gateway.token('alice');
    browser = await openBrowser();
    id = await createVm(gateway, token, { distribution: 'debian', desktop: 'xfce', password: PASSWORD, ram: 2 });
    await gateway.graphql(token, `mutation { startVm(id: "${id}") { status } }`);
    await awaitRunning(gateway, token, id);
  }, 120_000);

  afterEach(async ({ task }) => {
    if (task.result?.state !== 'fail') return;
    if (owner !== undefined) await keepScreenshot(owner, 'open-failed-owner');
    if (viewer !== undefined) await keepScreenshot(viewer, 'open-failed-viewer');
  });

  afterAll(async () => {
    await browser?.close();
    await gateway?.[Symbol.asyncDispose]();
  }, 60_000);

  it('shows its owner the desktop, without asking for a password that the browser never gets', async () => {
    const link = await linkOf('openVm', '');
    owner = await (await browser.newContext({ viewport: VIEWPORT })).newPage();
    const sent: string[] = [];
    owner.on('request', (request) => void sent.push(JSON.stringify([request.url(), request.headers()])));
    owner.on('response', (response) => void sent.push(JSON.stringify(response.headers())));
    await seeDesktop(owner, link);
    expect(await owner.locator('#password').count()).toBe(0);
    await keepScreenshot(owner, 'open-1-owner');
    const cookies = await owner.context().cookies();
    expect(cookies.map(({ name }) => name)).toEqual(['swiftor_ticket']);
    const everything = [...sent, JSON.stringify(cookies), owner.url(), await owner.content()].join('\n');
    for (const secret of [PASSWORD, encodeURIComponent(PASSWORD), Buffer.from(`abc:${PASSWORD}`).toString('base64')])
      expect(everything).not.toContain(secret);
  }, 60_000);

  it('puts a file that is dropped on it on the desktop', async () => {
    const dropped = await owner.evaluateHandle(() => {
      const transfer = new DataTransfer();
      transfer.items.add(new File(['from elsewhere'], 'dropped.txt'));
      return transfer;
    });
    await owner.locator('#open-files').waitFor({ state: 'attached' });
    await eventually(
      async () => !(await owner.locator('#open-files').evaluate((each) => (each as HTMLElement).hidden)),
    );
    await owner.dispatchEvent('body', 'drop', { dataTransfer: dropped });
    await eventually(async () => (await owner.locator('#uploads').innerText()).includes('is in /config/Desktop.'));
    const { output } = await execIn(await containerOf(id), ['stat', '-c', '%U %s', '/config/Desktop/dropped.txt']);
    expect(output).toBe('abc 14\n');
  });

  it('puts a folder that is dropped on it there, too, and shows files in a panel', async () => {
    const from = await mkdtemp(path.join(tmpdir(), 'swiftor-drop-'));
    onTestFinished(() => rm(from, { recursive: true }));
    await mkdir(path.join(from, 'photos', 'a'), { recursive: true });
    for (const name of ['one.txt', 'a/two.txt']) await writeFile(path.join(from, 'photos', name), name);
    await dropPaths(owner, [path.join(from, 'photos')], { x: 600, y: 300 });
    await owner.getByText('photos: is in /config/Desktop.').waitFor();
    const folder = await execIn(await containerOf(id), ['stat', '-c', '%U %s', '/config/Desktop/photos/a/two.txt']);
    expect(folder.output).toBe('abc 9\n');
    await owner.hover('#grip');
    await owner.click('#open-files');
    const panel = owner.frameLocator('#files iframe');
    await panel.getByRole('link', { name: 'Desktop/' }).click();
    await panel.getByRole('link', { name: 'dropped.txt' }).waitFor();
    await keepScreenshot(owner, 'open-1-files');
    await owner.getByRole('button', { name: 'Close' }).click();
  });

  it('shows a viewer the same, whose pointer reaches nothing even without the page', async () => {
    const link = await linkOf('shareVm', ', role: VIEW, for: "1h"');
    const context = await browser.newContext({ viewport: VIEWPORT });
    viewer = await context.newPage();
    await seeDesktop(viewer, link);
    expect(await viewer.locator('body').getAttribute('data-access')).toBe('view');
    await viewer.locator('#grip').hover();
    await viewer.getByText('You are looking on').waitFor();
    await keepScreenshot(viewer, 'open-2-viewer');
    const container = await containerOf(id);
    const [guests, owners] = [await cookieOf(viewer), await cookieOf(owner)];
    await movePointer(gateway.port, owners, { x: 31, y: 47 });
    expect(await pointerOf(container)).toBe('31 47');
    await movePointer(gateway.port, guests, { x: 300, y: 200 });
    expect(await pointerOf(container)).toBe('31 47');
  }, 60_000);

  it("keeps the owner's clipboard and the screen's size from the viewer", async () => {
    const container = await containerOf(id);
    await eventually(
      async () => {
        await owner.mouse.click(TERMINAL_BUTTON.x, TERMINAL_BUTTON.y);
        return eventually(async () => (await processesOf(container)).includes('bash'), { deadline: 5_000 });
      },
      { deadline: 60_000 },
    );
    // Before its window is there, the desktop takes what is typed, for a search that keeps the keyboard.
    await awaitFocus(container, 'Xfce4-terminal');
    const copied = (page: Page) => page.locator('#clipboard-text').inputValue();
    await eventually(
      async () => {
        await owner.keyboard.press('Control+c');
        await owner.keyboard.type('clear; echo my-own-secret\n', { delay: 10 });
        // Everything in the terminal, and copied by it.
        await owner.keyboard.press('Control+Shift+A');
        await owner.keyboard.press('Control+Shift+C');
        return eventually(async () => (await copied(owner)).includes('my-own-secret'), { deadline: 10_000 });
      },
      { deadline: 40_000 },
    );
    expect(await copied(viewer)).toBe('');
    await viewer.setViewportSize({ width: 800, height: 600 });
    await viewer.keyboard.type('exit\n');
    await keepScreenshot(viewer, 'open-3-viewer-smaller');
    expect(await owner.locator('#screen canvas').getAttribute('width')).toBe(String(VIEWPORT.width));
    expect(await processesOf(container)).toContain('bash');
  }, 120_000);

  it('ends the viewer within a second when the owner ends it, and says so', async () => {
    const query = `{ vm(id: "${id}") { openAccess { id role isGuest } } }`;
    const { data } = await gateway.graphql<{ vm: { openAccess: { id: string; role: string; isGuest: boolean }[] } }>(
      token,
      query,
    );
    expect(data?.vm.openAccess.map(({ role, isGuest }) => [role, isGuest])).toEqual([
      ['VIEW', true],
      ['CONTROL', false],
    ]);
    const [access] = data?.vm.openAccess ?? [];
    const begun = performance.now();
    await gateway.graphql(token, `mutation { endAccess(vmId: "${id}", accessId: "${access?.id}") { id } }`);
    await viewer.getByText('The connection was lost').or(viewer.getByText('Your access has ended')).waitFor();
    expect(performance.now() - begun).toBeLessThan(1_000);
    await viewer.getByText('Whoever shared this with you has ended it').waitFor();
    await keepScreenshot(viewer, 'open-4-ended');
    expect(await countColours(owner)).toBeGreaterThan(20);
  }, 30_000);
});

async function linkOf(mutation: string, more: string): Promise<string> {
  const query = `mutation { link: ${mutation}(vmId: "${id}"${more}) { url } }`;
  const { data, errors } = await gateway.graphql<{ link: { url: string } }>(token, query);
  if (data == null) throw new Error(JSON.stringify(errors));
  return data.link.url;
}

/** Opens the link until the desktop is there. */
async function seeDesktop(page: Page, link: string): Promise<void> {
  await page.goto(link);
  await eventually(async () => (await countColours(page)) > 20, { deadline: 30_000 });
}

async function cookieOf(page: Page): Promise<{ host: string; cookie: string }> {
  const context: BrowserContext = page.context();
  const pairs = (await context.cookies()).map(({ name, value }) => `${name}=${value}`);
  return { host: new URL(page.url()).host, cookie: pairs.join('; ') };
}
