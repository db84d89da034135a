import { describe, expect, it } from 'vitest';
import { keepScreenshot } from '../../support/browser/browser.ts';
import { crasher, useDashboardBrowser } from '../../support/browser/dashboard.ts';
import { eventually } from '../../support/eventually.ts';
import { testImage } from '../../support/engine/images/tiny-image.ts';
import { newAccount, testToken } from '../../support/gateway/tokens.ts';
import { useGateway } from '../../support/gateway/use-gateway.ts';
import { createVm } from '../../support/vm/vms.ts';

const MARKUP = '<img src=x onerror=alert(1)>';
/** What the header may say of a boot, in order. */
const BOOT = [
  'Off',
  'Waiting for its turn',
  'Downloading the image',
  'Starting the container',
  'Waiting for the app to answer',
  'Running',
];

const openDashboard = useDashboardBrowser();
const gateway = useGateway(async () => {
  const talk = `echo '${MARKUP}'; n=0; while sleep 0.3; do n=$((n+1)); echo "line $n"; done &`;
  const command = ['/bin/sh', '-c', `trap "exit 0" TERM; ${talk} httpd -f -p 3000 -h /www & wait`];
  const image = await testImage();
  return {
    distributions: [
      await crasher(MARKUP),
      { code: 'talker', name: 'Talker', image, defaultPort: 3000, stopGraceSeconds: 1, command },
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
    const token = await testToken(newAccount('first-run'), { plan: 'unlimited' });
    const { context, page, complaints } = await openDashboard(gateway, { token });
    await page.getByRole('link', { name: /^Ubuntu/ }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('textbox', { name: 'Name' }).fill('Mine');
    await keepScreenshot(page, 'dashboard-create');
    const seen: string[] = [];
    await page.exposeFunction('tell', (text: string) => void (seen.at(-1) !== text && seen.push(text)));
    await page.evaluate(`new MutationObserver(() => {
      const status = document.querySelector('.vm-header .status-line strong');
      if (status !== null) tell(status.textContent);
    }).observe(document.body, { subtree: true, childList: true, characterData: true })`);
    await page.keyboard.press('Enter');
    await page.keyboard.press('Enter');
    await page.locator('.vm-header').getByText('Running', { exact: true }).waitFor({ timeout: 40_000 });
    expect((await vmsOf(token)).map(({ vmlabel }) => vmlabel)).toEqual(['Mine']);
    // Each step that was long enough to be drawn, once and in order.
    expect(seen).toEqual(BOOT.filter((step) => seen.includes(step)));
    expect([seen.length > 2, seen.at(-1)]).toEqual([true, 'Running']);
    expect(await page.locator('.steps > li.done').count()).toBeGreaterThanOrEqual(3);
    await page.getByText('% of 1 core').or(page.getByText('% of 2 cores')).waitFor();
    await keepScreenshot(page, 'dashboard-vm');
    const opened = context.waitForEvent('page');
    await page.getByRole('button', { name: /^Open/ }).press('Enter');
    await (await opened).locator('h1', { hasText: 'tiny' }).waitFor({ timeout: 20_000 });
    expect(complaints).toEqual([]);
  }, 60_000);

  it('keeps what was entered over a reload, and says what the plan has no room for before anything is sent', async () => {
    const token = await testToken(newAccount('drafts'), { plan: 'core' });
    const { page } = await openDashboard(gateway, { token, path: '/new?from=krita' });
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
  it('explains a failure, with its lines as text, and tries again when the user asks it to', async () => {
    const token = await testToken(newAccount('failures'), { plan: 'unlimited' });
    const id = await createVm(gateway, token, { vmlabel: MARKUP, distribution: 'crasher', desktop: null });
    await gateway.rest(token, 'POST', `/vms/start/${id}`);
    const { page, complaints } = await openDashboard(gateway, { token, path: `/vm/${id}` });
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

  it('shows logs as they come, holds them when paused, filters them, and has a table of the stats', async () => {
    const token = await testToken(newAccount('telemetry'), { plan: 'unlimited' });
    const id = await createVm(gateway, token, { distribution: 'talker', desktop: null });
    await gateway.rest(token, 'POST', `/vms/start/${id}`);
    const { page, complaints } = await openDashboard(gateway, { token, path: `/vm/${id}/logs` });
    const count = () => page.locator('.log-line').count();
    await page.locator('.log-line', { hasText: MARKUP }).waitFor({ timeout: 20_000 });
    const first = await count();
    await eventually(async () => (await count()) > first + 2);
    await page.getByRole('button', { name: 'Pause' }).click();
    const paused = await count();
    // The page goes on to receive lines: there are more of them at once when it follows again.
    await page.getByRole('searchbox', { name: 'Filter' }).fill('no such line');
    await page.getByText('No line matches.').waitFor();
    await page.getByRole('searchbox', { name: 'Filter' }).fill('');
    await page.locator('.log-line', { hasText: 'line 2' }).first().waitFor();
    expect(await count()).toBe(paused);
    await page.getByRole('button', { name: 'Follow' }).click();
    await eventually(async () => (await count()) > paused);
    await page.getByRole('link', { name: 'Stats' }).click();
    await page.getByText('Show as a table').click();
    await page.locator('table tbody tr').first().waitFor({ timeout: 20_000 });
    // Of memory its use and its limit, in one chart; of the network both ways.
    expect(await page.locator('.chart').count()).toBe(3);
    await eventually(async () => (await page.locator('.line[d*=L]').count()) === 5);
    await keepScreenshot(page, 'dashboard-stats');
    expect(complaints).toEqual([]);
  }, 60_000);

  it('collects changes of secrets, replaces the container once they are saved, and never reads values unasked', async () => {
    const token = await testToken(newAccount('secrets'), { plan: 'unlimited' });
    const id = await createVm(gateway, token, { distribution: 'talker', desktop: null });
    await gateway.rest(token, 'POST', `/vms/start/${id}`);
    const { page } = await openDashboard(gateway, { token, path: `/vm/${id}/secrets` });
    await page.locator('.vm-header').getByText('Running', { exact: true }).waitFor({ timeout: 20_000 });
    await page.locator('summary', { hasText: 'Paste a .env file' }).click();
    await page.getByRole('textbox', { name: 'Paste a .env file' }).fill('# keys\nexport API_KEY="a b"\nMODE=dev\n');
    await page.getByText('2 lines: API_KEY, MODE').waitFor();
    await page.getByRole('button', { name: 'Add these lines' }).click();
    await page.getByText('Its container is replaced at once').waitFor();
    await keepScreenshot(page, 'dashboard-secrets');
    const statuses: string[] = [];
    await page.exposeFunction('tell', (status: string) => void statuses.push(status));
    await page.evaluate(`new MutationObserver(() => tell(document.querySelector('.vm-header .status-line').dataset.status))
      .observe(document.querySelector('.vm-header'), { subtree: true, attributes: true })`);
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
    // The interruption, of which the page draws the steps that last for a frame, and the return.
    await eventually(() => statuses.at(-1) === 'RUNNING' && statuses.some((status) => status !== 'RUNNING'), {
      deadline: 30_000,
    });
  }, 60_000);

  it('adds a name, for anyone only after a question, and says what a deletion takes before it deletes', async () => {
    const token = await testToken(newAccount('network'), { plan: 'unlimited' });
    await createVm(gateway, token, { vmlabel: 'Goes away' });
    const { page } = await openDashboard(gateway, { token });
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
