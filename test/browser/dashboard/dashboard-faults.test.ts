import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Browser, Page, WebSocketRoute } from 'playwright-core';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { keepScreenshot, openBrowser } from '../../support/browser/browser.ts';
import { openDashboard, PHONE, WIDE } from '../../support/browser/dashboard.ts';
import { createTestDatabase } from '../../support/database/database.ts';
import { openDatabaseProxy } from '../../support/database/database-proxy.ts';
import { removeInstallation } from '../../support/engine/engines.ts';
import { eventually } from '../../support/eventually.ts';
import { executeSql } from '../../support/database/execute-sql.ts';
import { startGatewayProcess } from '../../support/gateway/gateway-process.ts';
import { useGateway } from '../../support/gateway/use-gateway.ts';
import { freePort } from '../../support/ports.ts';
import { testImage } from '../../support/engine/images/tiny-image.ts';
import { JWT_SECRET, newAccount, testToken } from '../../support/gateway/tokens.ts';
import { createVm, VM_INPUT } from '../../support/vm/vms.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await openBrowser();
}, 60_000);
afterAll(() => browser?.close());
/** The third window of an account is one too many. A dead socket counts until the gateway misses it. */
const gateway = useGateway({ env: { SOCKETS_PER_ACCOUNT: '2' } });
/** Opens the dashboard by way of a proxy that can lose its bytes. */
const openThroughProxy = async (token: string) => {
  const proxy = await openDatabaseProxy(gateway.url);
  onTestFinished(() => proxy[Symbol.asyncDispose]());
  const dashboard = await openDashboard(browser, { port: Number(new URL(proxy.url).port) }, { token });
  onTestFinished(() => dashboard.context.close());
  await dashboard.page.evaluate('window.isSamePage = true');
  // From now on the page has a clock that can jump.
  await dashboard.page.clock.install();
  return { ...dashboard, proxy };
};

/** The state at both sizes; nothing is wider than the screen. */
async function keepState(page: Page, name: string): Promise<void> {
  for (const [size, viewport] of [['phone', PHONE] as const, ['wide', WIDE] as const]) {
    await page.setViewportSize(viewport);
    await keepScreenshot(page, `dashboard-${name}-${size}`);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(viewport.width);
  }
}

/** What the screen says of the only VM, each change once. */
const WATCH = `setInterval(() => {
  const row = document.querySelector('.vm-row');
  if (row !== null) tell(row.dataset.status);
}, 10)`;

it('a gateway that is killed during a boot and comes back costs no reload and shows no wrong status', async () => {
  const database = await createTestDatabase();
  const folder = await mkdtemp(path.join(tmpdir(), 'swiftor-dashboard-'));
  onTestFinished(async () => {
    const { rows } = await executeSql(database.url, 'select id from installation');
    await removeInstallation((rows[0] as { id: string }).id);
    await database[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });
  const catalogFile = path.join(folder, 'catalog.json');
  const command = ['/bin/sh', '-c', 'trap "exit 0" TERM; sleep 4; httpd -f -p 3000 -h /www & wait'];
  const late = {
    code: 'late',
    name: 'Late',
    image: await testImage(),
    defaultPort: 3000,
    stopGraceSeconds: 1,
    command,
  };
  await writeFile(catalogFile, JSON.stringify({ distributions: [late] }));
  const port = await freePort();
  const env = {
    PORT: String(port),
    DATABASE_URL: database.url,
    DATA_DIR: folder,
    CATALOG_FILE: catalogFile,
    JWT_SECRET,
    SECRETS_KEY: Buffer.alloc(32, 9).toString('base64'),
  };
  const token = await testToken(newAccount('killed'));
  const ask = async <T>(query: string, variables = {}): Promise<T> => {
    const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({ query, variables }),
    });
    return ((await response.json()) as { data: T }).data;
  };
  const killed = await startGatewayProcess(env);
  onTestFinished(() => killed[Symbol.asyncDispose]());
  const input = { ...VM_INPUT, vmlabel: 'Survivor', distribution: 'late', desktop: null };
  await ask('mutation ($input: CreateVmInput!) { createVm(input: $input) { id } }', { input });
  const { page, row } = await openDashboard(browser, { port }, { token });
  await page.evaluate('window.isSamePage = true');
  const seen: string[] = [];
  await page.exposeFunction('tell', (status: string) => void (seen.at(-1) !== status && seen.push(status)));
  await page.evaluate(WATCH);
  await row('Survivor').getByRole('button', { name: 'Start' }).click();
  await row('Survivor').getByText('Waiting for the app').waitFor({ timeout: 20_000 });

  killed.child.kill('SIGKILL');
  await killed.exited;
  await page.getByText('Reconnecting…').waitFor();
  await row('Survivor')
    .getByText(/^as of /)
    .waitFor();
  await keepState(page, 'reconnecting');
  const returned = await startGatewayProcess(env);
  onTestFinished(() => returned[Symbol.asyncDispose]());
  await page.getByText('Live', { exact: true }).waitFor({ timeout: 10_000 });
  await eventually(async () => {
    const [now] = (await ask<{ vms: { nodes: { status: string }[] } }>('{ vms { nodes { status } } }')).vms.nodes;
    return (await page.locator('.vm-row').getAttribute('data-status')) === now?.status;
  });
  await row('Survivor').getByText('Running').waitFor({ timeout: 30_000 });
  const order = ['STOPPED', 'QUEUED', 'PULLING', 'STARTING', 'BOOTING', 'RUNNING'];
  expect(seen).toEqual(expect.arrayContaining(['STOPPED', 'BOOTING', 'RUNNING']));
  expect(seen).toEqual(seen.toSorted((one, other) => order.indexOf(one) - order.indexOf(other)));
  expect(await page.evaluate('window.isSamePage')).toBe(true);
}, 180_000);

it('a browser that was offline for a minute says so, disables commands, and then shows what happened', async () => {
  const token = await testToken(newAccount('offline'));
  await createVm(gateway, token, { vmlabel: 'Before' });
  const { context, page, row, proxy } = await openThroughProxy(token);
  await row('Before').waitFor();
  await context.setOffline(true);
  proxy.set('blackhole');
  await page.getByText('You are offline. What you see is from').waitFor();
  expect(await row('Before').getByRole('button', { name: 'Start' }).getAttribute('aria-disabled')).toBe('true');
  await createVm(gateway, token, { vmlabel: 'Meanwhile' });
  await page.clock.fastForward(60_000);
  await row('Before')
    .getByText(/^as of /)
    .waitFor();
  expect(await row('Meanwhile').count()).toBe(0);
  await keepState(page, 'offline');
  proxy.set('pass');
  await context.setOffline(false);
  await row('Meanwhile').waitFor({ timeout: 10_000 });
  await page.getByText('You are offline').waitFor({ state: 'detached' });
  expect(await page.evaluate('window.isSamePage')).toBe(true);
}, 60_000);

it('a laptop that slept is right soon after it wakes, though its socket never said that it is dead', async () => {
  const token = await testToken(newAccount('asleep'));
  await createVm(gateway, token, { vmlabel: 'Before' });
  const { page, row, proxy } = await openThroughProxy(token);
  await row('Before').waitFor();
  proxy.set('blackhole');
  await createVm(gateway, token, { vmlabel: 'While it slept' });
  proxy.set('pass');
  await page.clock.fastForward(10 * 60_000);
  // Missed pings would tell only after twenty seconds.
  await row('While it slept').waitFor({ timeout: 10_000 });
  await page.getByText('Live', { exact: true }).waitFor();
  expect(await page.evaluate('window.isSamePage')).toBe(true);
}, 60_000);

it('a socket that the gateway closes for being slow resumes, and one whose token has ended leads to the sign-in', async () => {
  const token = await testToken(newAccount('closed'));
  const { context, page, row } = await openDashboard(browser, gateway, { token });
  onTestFinished(() => context.close());
  const sockets: WebSocketRoute[] = [];
  await page.routeWebSocket(/\/graphql$/, (socket) => {
    socket.connectToServer();
    sockets.push(socket);
  });
  await page.goto(`http://localhost:${gateway.port}/?show=off`);
  await page.getByText('You have no VMs yet.').waitFor();
  await sockets.at(-1)?.close({ code: 4490, reason: 'Too slow' });
  await createVm(gateway, token, { vmlabel: 'After it' });
  await row('After it').waitFor({ timeout: 10_000 });
  expect(sockets).toHaveLength(2);

  await sockets.at(-1)?.close({ code: 4403, reason: 'Forbidden' });
  await page.getByText('Your session has ended.').waitFor();
  await page.getByRole('textbox', { name: 'Paste a token' }).fill(token);
  await page.keyboard.press('Enter');
  await row('After it').waitFor({ timeout: 10_000 });
  expect(new URL(page.url()).search).toBe('?show=off');
}, 60_000);

it('one window too many of an account says so, and goes on when it is told to', async () => {
  const token = await testToken(newAccount('windows'));
  const [first, second] = await Promise.all([
    openDashboard(browser, gateway, { token }),
    openDashboard(browser, gateway, { token }),
  ]);
  onTestFinished(() => second.context.close());
  const third = await browser.newContext();
  onTestFinished(() => third.close());
  const page = await third.newPage();
  await page.goto(`http://localhost:${gateway.port}/sign-in#token=${token}`);
  await page.getByText('Too many windows of this account are open.').waitFor();
  await first.context.close();
  await page.getByRole('button', { name: 'Try here' }).click();
  await page.getByText('Live', { exact: true }).waitFor();
}, 60_000);
