import { describe, expect, it } from 'vitest';
import { keepScreenshot } from '../../support/browser/browser.ts';
import { crasher, PHONE, useDashboardBrowser } from '../../support/browser/dashboard.ts';
import { newAccount, testToken } from '../../support/gateway/tokens.ts';
import { useGateway } from '../../support/gateway/use-gateway.ts';
import { createVm } from '../../support/vm/vms.ts';

const openDashboard = useDashboardBrowser();
const gateway = useGateway(async () => ({
  plans: [{ code: 'tiny', name: 'Tiny', cpu: 1, ram: 1, storageGb: 1, concurrentVms: 1 }],
  distributions: [await crasher('no disk')],
}));
const vmOf = (token: string, vmlabel: string, input = {}) =>
  createVm(gateway, token, { vmlabel, distribution: 'ubuntu', ...input });

describe('the list of VMs', () => {
  it('follows a VM from off to the opened app and back, each step as the event stream has it', async () => {
    const token = await testToken(newAccount('list'), { plan: 'unlimited' });
    await vmOf(token, 'My desk');
    const { context, page, complaints, row } = await openDashboard(gateway, { token });
    await row('My desk').getByText('Off', { exact: true }).waitFor();
    expect(page.url()).toBe(`http://localhost:${gateway.port}/`);
    await row('My desk').getByRole('button', { name: 'Start' }).click();
    await row('My desk').getByText('Running').waitFor({ timeout: 20_000 });
    await keepScreenshot(page, 'dashboard-list');

    const opened = context.waitForEvent('page');
    await row('My desk').getByRole('button', { name: 'Open' }).click();
    const app = await opened;
    await app.locator('h1', { hasText: 'tiny' }).waitFor({ timeout: 20_000 });
    expect(await app.evaluate('window.opener === null && document.referrer === ""')).toBe(true);

    await row('My desk').getByRole('button', { name: 'More for My desk' }).click();
    await page.getByRole('menuitem', { name: 'Stop' }).click();
    await row('My desk').getByText('Off', { exact: true }).waitFor({ timeout: 20_000 });
    expect(complaints).toEqual([]);
  }, 60_000);

  it('shows in two windows, and for commands given elsewhere, the same within a second', async () => {
    const token = await testToken(newAccount('two-windows'), { plan: 'unlimited' });
    const [one, other] = await Promise.all([
      openDashboard(gateway, { token }),
      openDashboard(gateway, { token, context: { viewport: PHONE } }),
    ]);
    await vmOf(token, 'Made elsewhere');
    await Promise.all([one, other].map(({ row }) => row('Made elsewhere').waitFor({ timeout: 1_000 })));
    await keepScreenshot(other.page, 'dashboard-list-phone');
  }, 60_000);

  it('says why a start is refused before it is asked for, in the words of the API, and offers to stop another', async () => {
    const token = await testToken(newAccount('poor'), { plan: 'tiny' });
    const first = await vmOf(token, 'First');
    await vmOf(token, 'Second');
    await gateway.rest(token, 'POST', `/vms/start/${first}`);
    const { page, row } = await openDashboard(gateway, { token });
    await row('First').getByText('Running').waitFor({ timeout: 20_000 });
    await row('Second').getByRole('button', { name: 'Start' }).click();
    await page.getByText('The plan Tiny allows 1 vCPU of CPU: 1 in use and 1 more needed.').waitFor();
    await page.locator('.refusal').getByRole('button', { name: 'Stop' }).click();
    await row('First').getByText('Off', { exact: true }).waitFor({ timeout: 20_000 });
  }, 60_000);

  it('filters by name and state in the address, which a reload keeps', async () => {
    const token = await testToken(newAccount('filters'), { plan: 'unlimited' });
    await Promise.all([vmOf(token, 'Alpha'), vmOf(token, 'Beta')]);
    const { page, row } = await openDashboard(gateway, { token });
    await page.getByRole('searchbox', { name: 'Search names' }).fill('alp');
    await row('Beta').waitFor({ state: 'detached' });
    expect(new URL(page.url()).search).toBe('?q=alp');
    await page.reload();
    await row('Alpha').waitFor();
    expect(await row('Beta').count()).toBe(0);
    await page.getByRole('button', { name: /^On/ }).click();
    await page.getByText('No VM has “alp” in its name.').waitFor();
    await page.getByRole('link', { name: 'Show all' }).click();
    await row('Beta').waitFor();
  }, 60_000);
});

describe('signing in', () => {
  it('with the address that npm start prints leaves no trace in address, history or storage of the browser', async () => {
    const token = await testToken(newAccount('printed'));
    const { context, page } = await openDashboard(gateway, { token });
    await page.getByText('You have no VMs yet.').waitFor();
    expect(page.url()).toBe(`http://localhost:${gateway.port}/`);
    const devtools = await context.newCDPSession(page);
    const { entries } = await devtools.send('Page.getNavigationHistory');
    expect(entries.map(({ url }) => url)).toEqual(['about:blank', page.url()]);
    expect(await page.evaluate('JSON.stringify({ ...localStorage })')).toBe('{}');
    expect(await page.evaluate('JSON.stringify({ ...sessionStorage })'), 'for this window').toContain(token);
  }, 30_000);

  it('with a pasted token stays at the address, and says what is wrong with one that is not accepted', async () => {
    const { page } = await openDashboard(gateway, { path: '/?show=on' });
    const paste = async (text: string) => {
      await page.getByRole('textbox', { name: 'Paste a token' }).fill(text);
      await page.getByRole('button', { name: 'Sign in' }).click();
    };
    await paste('nonsense');
    await page.getByText('A token has three parts').waitFor();
    await paste('a.b.c');
    await page.getByText('The gateway did not accept this token.').waitFor();
    await keepScreenshot(page, 'dashboard-sign-in');
    await paste(await testToken(newAccount('pasted')));
    await page.getByText('You have no VMs yet.').waitFor();
    expect(new URL(page.url()).search).toBe('?show=on');
    await page.reload();
    await page.getByRole('link', { name: 'New VM' }).click();
    await page.getByRole('textbox', { name: 'Name' }).fill('A draft');
    expect(await page.evaluate('JSON.stringify({ ...sessionStorage })')).toContain('A draft');
    await page.getByRole('button', { name: /^Account menu/ }).click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    expect(await page.evaluate('sessionStorage.length + localStorage.length')).toBe(0);
  }, 30_000);
});

describe('the served page', () => {
  const html = { accept: 'text/html', 'accept-encoding': 'br' };

  it('has the policy on every reply, and no header that lets another origin read it', async () => {
    const page = await fetch(`${gateway.url}/`, { headers: html });
    const [, script = ''] = /src="(\/assets\/first[^"]+)"/.exec(await page.text()) ?? [];
    const replies = [
      page,
      await fetch(gateway.url + script, { headers: html }),
      await fetch(`${gateway.url}/dashboard.json`),
    ];
    for (const { headers, status } of replies) {
      expect(status).toBe(200);
      expect(headers.get('content-security-policy')).toContain("require-trusted-types-for 'script'");
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      expect(headers.get('access-control-allow-origin')).toBeNull();
    }
    expect(replies.map(({ headers }) => headers.get('cache-control'))).toEqual([
      'no-cache',
      'public, max-age=31536000, immutable',
      'no-store',
    ]);
    expect(replies[1]?.headers.get('content-encoding')).toBe('br');
    const etag = page.headers.get('etag') ?? '';
    expect((await fetch(`${gateway.url}/vm/any`, { headers: { ...html, 'if-none-match': etag } })).status).toBe(304);
    expect((await fetch(`${gateway.url}/`, { method: 'HEAD', headers: html })).status).toBe(200);
  });

  it('is at the addresses of its screens only, and for browsers only', async () => {
    const statusOf = async (at: string, accept: string) =>
      (await fetch(gateway.url + at, { headers: { accept } })).status;
    expect(await statusOf('/new?from=debian', 'text/html')).toBe(200);
    expect(await statusOf('/', 'application/json')).toBe(404);
    expect(await statusOf('/vms', 'text/html')).toBe(401);
    expect(await statusOf('/nowhere', 'text/html')).toBe(404);
    expect(await statusOf('/assets/nothing.js', '*/*')).toBe(404);
  });

  it('comes with GraphiQL compressed and revalidated', async () => {
    const first = await fetch(`${gateway.url}/graphql`, { headers: html });
    const size = Number(first.headers.get('content-length'));
    expect([first.status, first.headers.get('content-encoding'), size < 3_000_000]).toEqual([200, 'br', true]);
    expect(first.headers.get('x-request-id')).toMatch(/^[\da-f-]{36}$/);
    expect(await first.text()).toContain('Swiftor Gateway');
    const headers = { ...html, 'if-none-match': first.headers.get('etag') ?? '', 'x-request-id': 'mine-1' };
    const second = await fetch(`${gateway.url}/graphql`, { headers });
    expect([second.status, second.headers.get('x-request-id')]).toEqual([304, 'mine-1']);
  }, 30_000);
});

it('a VM that did not start needs attention, and says why', async () => {
  const token = await testToken(newAccount('crash'), { plan: 'unlimited' });
  const id = await vmOf(token, 'Kali box', { distribution: 'crasher', desktop: null });
  const { page, row } = await openDashboard(gateway, { token });
  await page.getByRole('button', { name: 'Needs attention 0' }).waitFor();
  await gateway.rest(token, 'POST', `/vms/start/${id}`);
  await row('Kali box').getByText('It did not start').waitFor({ timeout: 20_000 });
  await row('Kali box').getByText('exit code 3').waitFor();
  await page.getByRole('button', { name: 'Needs attention 1' }).click();
  await row('Kali box').waitFor();
  // It is tried again and again, which the filter follows.
  await page.getByRole('button', { name: 'Off 0' }).click();
  await page.getByText('No VM matches this filter.').waitFor();
}, 60_000);
