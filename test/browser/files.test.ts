import type { Browser, Page } from 'playwright-core';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { keepScreenshot, openBrowser } from '../support/browser/browser.ts';
import { dropPaths } from '../support/browser/drop-paths.ts';
import { containerOf } from '../support/engine/containers.ts';
import { execIn } from '../support/engine/exec-in.ts';
import { eventually } from '../support/eventually.ts';
import { newAccount, testToken } from '../support/gateway/tokens.ts';
import { useGateway } from '../support/gateway/use-gateway.ts';
import { createOpenLink, openVm, type OpenAddress } from '../support/ingress/open-vm.ts';
import { visit } from '../support/ingress/visit.ts';
import { awaitRunning } from '../support/vm/real-vm.ts';
import { createVm } from '../support/vm/vms.ts';

const gateway = useGateway();
const account = newAccount('files');
const token = await testToken(account);
let browser: Browser;
let vmId: string;
let owner: OpenAddress;

const sh = async (script: string) => (await execIn(await containerOf(vmId), ['/bin/sh', '-c', script])).output;
const file = (path: string) => `/.swiftor/file?path=${encodeURIComponent(path)}`;
const put = (path: string, content: string, headers: Record<string, string> = {}) => {
  const all = { cookie: owner.cookie, 'content-length': String(Buffer.byteLength(content)), ...headers };
  return visit(gateway.port, owner.host, file(path), all, 'PUT', content);
};

beforeAll(async () => {
  browser = await openBrowser();
  vmId = await createVm(gateway, token, { vmlabel: 'My files' });
  await gateway.rest(token, 'POST', `/vms/start/${vmId}`);
  await awaitRunning(gateway, token, vmId);
  owner = await openVm(gateway, token, vmId);
}, 120_000);
afterAll(() => browser?.close());

describe('the page of the files', () => {
  it('lists, opens folders, and uploads by button and by drop', async () => {
    await sh('mkdir -p /config/docs');
    const page = await openFiles();
    await page.getByRole('link', { name: 'docs/' }).click();
    await eventually(async () => (await page.locator('#status').innerText()) === 'This folder is empty.');
    await page.setInputFiles('#upload', { name: 'ü b.txt', mimeType: 'text/plain', buffer: Buffer.from('by button') });
    await page.getByRole('link', { name: 'ü b.txt' }).waitFor();
    expect(await sh('cat "/config/docs/ü b.txt"')).toBe('by button');
    const dropped = await page.evaluateHandle(() => {
      const transfer = new DataTransfer();
      transfer.items.add(new File(['by drop'], 'dropped.txt'));
      return transfer;
    });
    await page.dispatchEvent('main', 'drop', { dataTransfer: dropped });
    await page.getByRole('link', { name: 'dropped.txt' }).waitFor();
    expect(await sh('cat /config/docs/dropped.txt')).toBe('by drop');
    await keepScreenshot(page, 'files');
  });

  it('downloads, and fits a phone', async () => {
    await sh('mkdir -p /config/phone && printf content > /config/phone/kept.txt');
    const page = await openFiles();
    await page.getByRole('link', { name: 'phone/' }).click();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'kept.txt' }).click(),
    ]);
    expect(download.suggestedFilename()).toBe('kept.txt');
    expect(await text(await download.createReadStream())).toBe('content');
    await page.setViewportSize({ width: 390, height: 700 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    await keepScreenshot(page, 'files-phone');
  });

  /** The page in a browser of its own, which must show no error until the test ends. */
  async function openFiles(): Promise<Page> {
    const context = await browser.newContext({ viewport: { width: 1000, height: 700 }, acceptDownloads: true });
    const page = await context.newPage();
    const problems: string[] = [];
    page.on('console', (message) => void (message.type() === 'error' && problems.push(message.text())));
    page.on('pageerror', (error) => void problems.push(String(error)));
    onTestFinished(async () => {
      await context.close();
      expect(problems).toEqual([]);
    });
    const link = await createOpenLink(gateway, token, vmId);
    link.searchParams.set('to', 'files');
    await page.goto(link.href);
    return page;
  }
});

it('the page of the files uploads folders with what is below them, by drop and by button', async () => {
  const from = await mkdtemp(path.join(tmpdir(), 'swiftor-upload-'));
  onTestFinished(() => rm(from, { recursive: true }));
  const photos = path.join(from, 'photos');
  await mkdir(path.join(photos, 'a ü', 'b'), { recursive: true });
  await Promise.all([
    writeFile(path.join(photos, 'one.txt'), 'one'),
    ...Array.from({ length: 6 }, (_, at) => writeFile(path.join(photos, 'a ü', 'b', `${at}.txt`), String(at))),
  ]);
  const context = await browser.newContext({ viewport: { width: 1000, height: 700 } });
  onTestFinished(() => context.close());
  const page = await context.newPage();
  const link = await createOpenLink(gateway, token, vmId);
  link.searchParams.set('to', 'files');
  await page.goto(link.href);
  await page.getByRole('link', { name: 'docs/' }).waitFor();
  await dropPaths(page, [photos], { x: 300, y: 400 });
  await page.getByText('photos: 7 of 7 files are there.').waitFor({ timeout: 30_000 });
  await keepScreenshot(page, 'files-folder');
  await page.getByRole('link', { name: 'photos/' }).waitFor();
  expect(await sh('cat /config/photos/one.txt /config/photos/*/b/*')).toBe('one012345');
  await page.goto(`${new URL(page.url()).origin}/.swiftor/files#${encodeURIComponent('/config/photos')}`);
  await page.setInputFiles('#upload-folder', path.join(photos, 'a ü'));
  await page.getByText('a ü: 6 of 6 files are there.').waitFor({ timeout: 30_000 });
  expect(await sh('ls /config/photos/*/b || busybox ls /config/photos/*/b')).toContain('5.txt');
}, 90_000);

describe('the files of a VM', () => {
  it('are for who has control, from the page of the VM itself; the audit has what was read and written', async () => {
    expect((await put('/config/a.txt', 'hello')).status).toBe(201);
    const { status, headers, body } = await owner.visit(file('/config/a.txt'));
    expect([status, headers['content-length'], body]).toEqual([200, '5', 'hello']);
    expect(headers['content-disposition']).toBe("attachment; filename*=UTF-8''a.txt");
    const listed = await owner.visit('/.swiftor/files?path=/config');
    expect(JSON.parse(listed.body)).toMatchObject({
      path: '/config',
      roots: ['/config'],
      entries: expect.arrayContaining([expect.objectContaining({ name: 'a.txt', kind: 'file', bytes: 5 })]),
    });
    const folder = await owner.visit(file('/config'));
    expect([folder.headers['content-disposition'], folder.body]).toEqual([
      "attachment; filename*=UTF-8''config.tar",
      expect.stringContaining('hello'),
    ]);
    for (const path of ['/.swiftor/files', file('/config/a.txt')]) {
      expect(await visit(gateway.port, owner.host, path)).toMatchObject({ status: 404, body: 'not here' });
      expect((await owner.visit(path, { origin: 'http://other.test' })).status).toBe(404);
    }
    expect((await put('/config/b.txt', 'x', { origin: 'http://other.test' })).status).toBe(404);
    const { data } = await gateway.graphql<{ me: { audit: { nodes: { action: string; details: object[] }[] } } }>(
      token,
      '{ me { audit(first: 50, actions: [FILE_READ, FILE_WRITTEN]) { nodes { action actor details { name value } } } } }',
    );
    expect(data?.me.audit.nodes).toContainEqual({
      action: 'FILE_WRITTEN',
      actor: account,
      details: [
        { name: 'path', value: '/config/a.txt' },
        { name: 'bytes', value: '5' },
      ],
    });
    expect(data?.me.audit.nodes.filter(({ action }) => action === 'FILE_READ').length).toBeGreaterThanOrEqual(2);
  });

  it('say in words what cannot be read or written', async () => {
    await sh('busybox ln -s /etc/passwd /config/link; mkdir -p /config/dir');
    const said = async (visited: Promise<{ status: number; body: string }>) => {
      const { status, body } = await visited;
      return [status, body];
    };
    expect(await said(owner.visit(file('/etc/passwd')))).toEqual([
      404,
      expect.stringContaining('nothing at this path'),
    ]);
    expect(await said(owner.visit(file('/config/../etc/passwd')))).toEqual([404, expect.any(String)]);
    expect(await said(owner.visit(file('/config/link')))).toEqual([409, expect.stringContaining('symbolic link')]);
    expect(await said(put('/config/dir', 'x'))).toEqual([409, expect.stringContaining('is no file')]);
    expect(await said(put('/config/none/x', 'x'))).toEqual([404, expect.any(String)]);
    const noSize = { 'transfer-encoding': 'chunked', cookie: owner.cookie };
    expect(await said(visit(gateway.port, owner.host, file('/config/x'), noSize, 'PUT', 'x'))).toEqual([
      411,
      expect.any(String),
    ]);
  });
});
