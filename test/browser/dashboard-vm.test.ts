import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keepScreenshot, openBrowser } from '../support/browser.ts';
import { openDashboard } from '../support/dashboard.ts';
import { eventually } from '../support/eventually.ts';
import { testImage } from '../support/tiny-image.ts';
import { testToken } from '../support/tokens.ts';
import { useGateway } from '../support/use-gateway.ts';
import { createVm } from '../support/vms.ts';

const MARKUP = '<img src=x onerror=alert(1)>';

let browser: Browser;
beforeAll(async () => {
  browser = await openBrowser();
}, 60_000);
afterAll(() => browser?.close());

const gateway = useGateway(async () => {
  const image = await testImage();
  const serve = 'trap "exit 0" TERM; httpd -f -p 3000 -h /www & wait';
  const entry = { image, defaultPort: 3000, stopGraceSeconds: 1 };
  return {
    distributions: [
      { ...entry, code: 'crasher', name: 'Crasher', command: ['/bin/sh', '-c', `echo "${MARKUP}" >&2; exit 3`] },
      { ...entry, code: 'talker', name: 'Talker', command: ['/bin/sh', '-c', `echo "${MARKUP}"; ${serve}`] },
    ],
  };
});

const idAt = (url: string): string => new URL(url).pathname.split('/')[2] ?? '';
const vmsOf = async (token: string): Promise<{ id: string; vmlabel: string }[]> => {
  const { data } = await gateway.graphql<{ vms: { nodes: { id: string; vmlabel: string }[] } }>(
    token,
    '{ vms { nodes { id vmlabel } } }',
  );
  return data?.vms.nodes ?? [];
};

describe('a first run', () => {
  it('by keyboard creates a VM once, however often it is asked for, shows each step of its boot, and opens it', async () => {
    const token = await testToken('first-run', { plan: 'unlimited' });
    const { context, page, complaints } = await openDashboard(browser, gateway, { token });
    await page.getByRole('link', { name: /^Ubuntu/ }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('textbox', { name: 'Name' }).fill('Mine');
    await keepScreenshot(page, 'dashboard-create');
    // What a person could have seen of the boot, in order.
    const seen: string[] = [];
    await page.exposeFunction('tell', (text: string) => void (seen.at(-1) !== text && seen.push(text)));
    await page.evaluate(
      "setInterval(() => tell(document.querySelector('.vm-header .status-line strong')?.textContent ?? ''), 10)",
    );
    await page.keyboard.press('Enter');
    await page.keyboard.press('Enter');
    await page.locator('.vm-header').getByText('Running', { exact: true }).waitFor({ timeout: 40_000 });
    expect((await vmsOf(token)).map(({ vmlabel }) => vmlabel)).toEqual(['Mine']);
    expect(seen.filter((text) => text !== '' && text !== 'Off').at(-1)).toBe('Running');
    expect(seen.some((text) => text.startsWith('Starting') || text.startsWith('Waiting'))).toBe(true);
    expect(await page.locator('.steps > li.done').count()).toBeGreaterThanOrEqual(3);
    await page.getByText('% of 1 core').or(page.getByText('% of 2 cores')).waitFor();
    await keepScreenshot(page, 'dashboard-vm');
    const opened = context.waitForEvent('page');
    await page.getByRole('button', { name: /^Open/ }).press('Enter');
    await (await opened).locator('h1', { hasText: 'tiny' }).waitFor({ timeout: 20_000 });
    expect(complaints).toEqual([]);
  }, 60_000);

  it('keeps what was entered over a reload, and says what the plan has no room for before anything is sent', async () => {
    const token = await testToken('drafts', { plan: 'core' });
    const { page } = await openDashboard(browser, gateway, { token, path: '/new?from=krita' });
    await page.getByRole('textbox', { name: 'Name' }).fill('A drawing');
    await page.getByRole('spinbutton', { name: 'vCPU' }).fill('4');
    await page.keyboard.press('Tab');
    await page.getByText('The plan Core allows 1 vCPU of CPU: 0 in use and 4 more needed.').waitFor();
    await page.reload();
    expect(await page.getByRole('textbox', { name: 'Name' }).inputValue()).toBe('A drawing');
    await page.getByRole('button', { name: 'Create (will not start yet)' }).click();
    await page.locator('.vm-header').getByText('Off', { exact: true }).waitFor();
    expect((await vmsOf(token)).map(({ vmlabel }) => vmlabel)).toEqual(['A drawing']);
  }, 60_000);
});

describe('the page of a VM', () => {
  it('explains a failure, with its lines as text, and tries again when it is told to', async () => {
    const token = await testToken('failures', { plan: 'unlimited' });
    const id = await createVm(gateway, token, { vmlabel: MARKUP, distribution: 'crasher', desktop: null });
    await gateway.rest(token, 'POST', `/vms/start/${id}`);
    const { page, complaints } = await openDashboard(browser, gateway, { token, path: `/vm/${id}` });
    await page.locator('.failure').waitFor({ timeout: 20_000 });
    expect(await page.locator('.failure pre').textContent()).toBe(MARKUP);
    expect(await page.locator('h1').textContent()).toBe(MARKUP);
    expect(await page.locator('img').count()).toBe(0);
    await keepScreenshot(page, 'dashboard-failure');
    const before = await page.locator('.timeline > li').count();
    await page
      .locator('.failure')
      .getByRole('button', { name: /^Try now/ })
      .click();
    await eventually(async () => (await page.locator('.timeline > li').count()) > before);
    expect(complaints).toEqual([]);
  }, 60_000);

  it('shows logs and stats as they come, filters them, and has a table of the charts', async () => {
    const token = await testToken('telemetry', { plan: 'unlimited' });
    const id = await createVm(gateway, token, { distribution: 'talker', desktop: null });
    await gateway.rest(token, 'POST', `/vms/start/${id}`);
    const { page, complaints } = await openDashboard(browser, gateway, { token, path: `/vm/${id}/logs` });
    await page.locator('.log-line', { hasText: MARKUP }).waitFor({ timeout: 20_000 });
    await page.getByRole('searchbox', { name: 'Filter' }).fill('no such line');
    await page.getByText('No line has this.').waitFor();
    await page.getByRole('link', { name: 'Stats' }).click();
    await page.getByText('Show as a table').click();
    await page.locator('table tbody tr').first().waitFor({ timeout: 20_000 });
    expect(await page.locator('canvas').count()).toBe(3);
    await keepScreenshot(page, 'dashboard-stats');
    expect(complaints).toEqual([]);
  }, 60_000);

  it('collects changes of secrets, replaces the container once they are saved, and never reads values unasked', async () => {
    const token = await testToken('secrets', { plan: 'unlimited' });
    const id = await createVm(gateway, token, { distribution: 'talker', desktop: null });
    await gateway.rest(token, 'POST', `/vms/start/${id}`);
    const { page } = await openDashboard(browser, gateway, { token, path: `/vm/${id}/secrets` });
    await page.locator('.vm-header').getByText('Running', { exact: true }).waitFor({ timeout: 20_000 });
    await page.locator('summary', { hasText: 'Paste a .env file' }).click();
    await page.getByRole('textbox', { name: 'Paste a .env file' }).fill('# keys\nexport API_KEY="a b"\nMODE=dev\n');
    await page.getByText('2 lines: API_KEY, MODE').waitFor();
    await page.getByRole('button', { name: 'Take these lines' }).click();
    await page.getByText('Its container is replaced at once').waitFor();
    await keepScreenshot(page, 'dashboard-secrets');
    await page.getByRole('button', { name: 'Save 2 changes' }).click();
    await page.locator('.secret', { hasText: 'MODE' }).getByText(/^set /).waitFor({ timeout: 20_000 });
    const actions = async (): Promise<string[]> => {
      const query = '{ me { audit(first: 20) { nodes { action } } } }';
      const { data } = await gateway.graphql<{ me: { audit: { nodes: { action: string }[] } } }>(token, query);
      return data?.me.audit.nodes.map(({ action }) => action) ?? [];
    };
    expect(await actions()).not.toContain('SECRETS_READ');
    await page.getByRole('button', { name: 'Show API_KEY' }).click();
    await page.locator('.secret-value', { hasText: 'a b' }).waitFor();
    expect(await actions()).toContain('SECRETS_READ');
    await page.locator('.vm-header').getByText('Running', { exact: true }).waitFor({ timeout: 30_000 });
  }, 60_000);

  it('adds a name, for anyone only after a question, and says what a deletion takes before it deletes', async () => {
    const token = await testToken('network', { plan: 'unlimited' });
    await createVm(gateway, token, { vmlabel: 'Goes away' });
    const { page } = await openDashboard(browser, gateway, { token });
    await page.getByRole('link', { name: 'Goes away' }).click();
    await page.getByRole('link', { name: 'Network' }).click();
    const id = idAt(page.url());
    await page.getByRole('textbox', { name: 'Name' }).fill('web');
    await page.getByRole('spinbutton', { name: 'Port' }).first().fill('3000');
    await page.getByRole('radio', { name: 'Anyone' }).click();
    await page.getByRole('button', { name: 'Add a name' }).click();
    await page.getByText('Does the app ask for a password?').waitFor();
    await page.getByRole('button', { name: 'Open it to anyone' }).click();
    await page.getByRole('link', { name: `http://web-${id}.localhost` }).waitFor();

    await page.getByRole('link', { name: 'Settings' }).click();
    await page.getByRole('button', { name: 'Delete…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('1 name').waitFor();
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Cancel');
    await keepScreenshot(page, 'dashboard-delete');
    // It says that it is disabled, and does nothing.
    await dialog.getByRole('button', { name: 'Delete for good' }).click({ force: true });
    expect(await vmsOf(token)).toHaveLength(1);
    await dialog.getByRole('textbox').fill('Goes away');
    await dialog.getByRole('button', { name: 'Delete for good' }).click();
    await page.getByText('This VM was deleted').waitFor({ timeout: 20_000 });
    expect(await vmsOf(token)).toHaveLength(0);
  }, 60_000);
});
