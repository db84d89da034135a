import { createHash } from 'node:crypto';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { keepScreenshot, openBrowser } from '../support/browser/browser.ts';
import { eventually } from '../support/eventually.ts';
import { createOpenLink, openVm } from '../support/ingress/open-vm.ts';
import { openTestRegistry, type TestRegistry } from '../support/engine/images/registry.ts';
import { visit } from '../support/ingress/visit.ts';
import { createVm } from '../support/vm/vms.ts';
import { testToken } from '../support/gateway/tokens.ts';
import { useGateway } from '../support/gateway/use-gateway.ts';

const MB = 1_000_000;
const PAGE = { accept: 'text/html,application/xhtml+xml', 'sec-fetch-mode': 'navigate', 'sec-fetch-site': 'none' };

let registry: TestRegistry;
let browser: Browser;
beforeAll(async () => {
  [registry, browser] = await Promise.all([openTestRegistry(), openBrowser()]);
}, 60_000);
afterAll(async () => {
  await browser?.close();
  await registry?.[Symbol.asyncDispose]();
});
const gateway = useGateway(async () => {
  const image = 'swiftor-test/tiny:1';
  const silent = ['/bin/sh', '-c', "trap 'exit 0' TERM; sleep 600 & wait"];
  return {
    plans: [{ code: 'tiny', name: 'Tiny', cpu: 1, ram: 1, storageGb: 1, concurrentVms: 1 }],
    distributions: [
      {
        code: 'pulled',
        name: 'Pulled',
        image: await registry.push('pulled', [2 * MB, MB]),
        defaultPort: 3000,
        bootSeconds: 60,
      },
      {
        code: 'pulled-again',
        name: 'Pulled',
        image: await registry.push('pulled-again', [MB]),
        defaultPort: 3000,
        bootSeconds: 60,
      },
      {
        code: 'crasher',
        name: 'Crasher',
        image,
        defaultPort: 3000,
        command: ['/bin/sh', '-c', 'echo "<b>no</b> disk"; exit 3'],
      },
      {
        code: 'silent',
        name: 'Silent',
        image,
        defaultPort: 3000,
        bootSeconds: 120,
        command: silent,
        stopGraceSeconds: 1,
      },
    ],
  };
});
const token = await testToken('alice', { plan: 'unlimited' });

const start = (id: string) => gateway.rest(token, 'POST', `/vms/start/${id}`);
const vmOf = (distribution: string, vmlabel = 'My desk', as = token) =>
  createVm(gateway, as, { distribution, desktop: null, vmlabel });

/** A page that came through a link, with whatever it said against its own policy or failed at. */
async function openInBrowser(id: string, options: Parameters<Browser['newContext']>[0] & { as?: string } = {}) {
  const { as = token, ...rest } = options;
  const context: BrowserContext = await browser.newContext({ viewport: { width: 900, height: 640 }, ...rest });
  onTestFinished(() => context.close());
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on(
    'console',
    (message) => void (message.type() === 'error' && complaints.push(`${message.text()} ${message.location().url}`)),
  );
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.goto((await createOpenLink(gateway, as, id)).href);
  return { page, complaints };
}
const statusOf = (page: Page) => page.locator('.status').textContent();
const showsApp = (page: Page) => page.locator('h1', { hasText: 'tiny' }).waitFor({ timeout: 40_000 });
/** Without the browser's own lines about statuses: the page's is 503, and the app has no icon. */
const withoutStatus = (complaints: readonly string[]) =>
  complaints.filter((text) => !/status of (503|404 .*favicon\.ico)/.test(text));

describe('the boot page in Chromium', () => {
  it('starts a VM that is off, follows its boot and opens the app', async () => {
    registry.proxy.rules.bytesPerSecond = 0.5 * MB;
    onTestFinished(() => registry.proxy.heal());
    const id = await vmOf('pulled');
    const { page, complaints } = await openInBrowser(id);
    expect([await page.title(), await statusOf(page)]).toEqual(['It is off. · My desk', 'It is off.']);
    await keepScreenshot(page, 'waiting-off');

    // What a person could have seen, in order, without repetitions.
    const seen: string[] = [];
    await page.exposeFunction('tell', (text: string) => void (seen.at(-1) !== text && seen.push(text)));
    await page.addInitScript({
      content: `setInterval(() => tell(document.querySelector('.detail')?.textContent ?? ''), 20);`,
    });
    await page.getByRole('button', { name: 'Start' }).click();
    await page.getByText(/^\d+ %, [\d.]+ of 3\.0 MB$/).waitFor({ timeout: 20_000 });
    await eventually(async () => Number(await page.locator('progress').getAttribute('value')) >= 40, {
      deadline: 20_000,
    });
    await keepScreenshot(page, 'waiting-downloading');
    await showsApp(page);
    const percents = seen.flatMap((text) => /^(\d+) %, /.exec(text)?.[1] ?? []).map(Number);
    expect(percents.length).toBeGreaterThan(3);
    expect(percents).toEqual(percents.toSorted((one, other) => one - other));
    expect(withoutStatus(complaints)).toEqual([]);
  }, 60_000);

  it('follows a boot that was started elsewhere and opens the requested path', async () => {
    const id = await vmOf('pulled-again');
    const { page } = await openInBrowser(id, { colorScheme: 'dark' });
    await keepScreenshot(page, 'waiting-off-dark');
    await page.goto(new URL('/cgi-bin/env', page.url()).href);
    await start(id);
    await page.getByText('REQUEST_METHOD=GET').waitFor({ timeout: 30_000 });
  }, 60_000);

  it('explains a failure, with the last lines and the next retry', async () => {
    const id = await vmOf('crasher');
    await start(id);
    const { page, complaints } = await openInBrowser(id, { colorScheme: 'dark' });
    await page.getByText('It did not start.').waitFor({ timeout: 20_000 });
    expect(await page.locator('pre').textContent()).toBe('<b>no</b> disk');
    expect(await page.locator('main').textContent()).toContain('APP_EXITED');
    await keepScreenshot(page, 'waiting-failed-dark');
    await page.getByRole('button', { name: 'Try again now' }).click();
    await page.waitForLoadState();
    expect(withoutStatus(complaints)).toEqual([]);
  }, 60_000);

  it('shows each reason why the plan refuses a start', async () => {
    const poor = await gateway.token('bob', { plan: 'tiny' });
    const [first, second] = [await vmOf('silent', 'First', poor), await vmOf('silent', 'Second', poor)];
    await gateway.rest(poor, 'POST', `/vms/start/${first}`);
    const { page } = await openInBrowser(second, { as: poor });
    await page.getByRole('button', { name: 'Start' }).click();
    const reasons = await page.locator('.refusal li').allTextContents();
    expect(reasons).toHaveLength(3);
    expect(reasons.join(' ')).toContain('The plan Tiny allows 1 vCPU of CPU');
    await keepScreenshot(page, 'waiting-refused');
    expect(await statusOf(page)).toBe('It is off.');
  }, 60_000);

  it('works without JavaScript', async () => {
    const id = await createVm(gateway, token, { vmlabel: 'No script' });
    const { page } = await openInBrowser(id, { javaScriptEnabled: false });
    await page.getByRole('button', { name: 'Start' }).click();
    await showsApp(page);
  }, 60_000);
});

describe('the boot page over HTTP', () => {
  it('is 503 with Retry-After, not cacheable, not frameable, and allows only its own script', async () => {
    const own = await openVm(
      gateway,
      token,
      await createVm(gateway, token, { vmlabel: '<img src=x onerror=alert(1)>' }),
    );
    const { status, headers, body } = await own.visit('/deep?er=1', PAGE);
    expect([status, headers['retry-after'], headers['cache-control'], headers['x-frame-options']]).toEqual([
      503,
      '30',
      'no-store',
      'DENY',
    ]);
    const policy = String(headers['content-security-policy']);
    expect(policy).toMatch(/^default-src 'none'; /);
    expect(policy).toContain("frame-ancestors 'none'");
    const [, allowed] = /script-src 'sha256-([^']+)'/.exec(policy) ?? [];
    const scripts = [...body.matchAll(/<script[^>]*>(.*?)<\/script>/gs)].map(([, script = '']) => script);
    expect(scripts.map((script) => createHash('sha256').update(script).digest('base64'))).toEqual([allowed]);
    expect(body).toContain('&lt;img src=x onerror=alert(1)&gt;');
    expect(body).not.toContain('<img');
    expect(body).toContain('/.swiftor/start?to=%2Fdeep%3Fer%3D1');
  });

  it('is sent to browsers only; other clients get a plain text', async () => {
    const own = await openVm(gateway, token, await createVm(gateway, token));
    for (const headers of [{ accept: '*/*' }, { ...PAGE, 'sec-fetch-mode': 'no-cors' }]) {
      const { status, headers: sent, body } = await own.visit('/', headers);
      expect([status, sent['content-type'], body]).toEqual([503, 'text/plain; charset=utf-8', 'This VM is stopped.']);
    }
  });

  it('reveals nothing to strangers, and to visitors of a PUBLIC mapping only that the VM is unavailable', async () => {
    const id = await createVm(gateway, token, { vmlabel: 'Hidden' });
    await gateway.rest(token, 'POST', '/vms/networking', { body: { vmid: id, name: 'web', internal_port: 3000 } });
    const own = `${id}.localhost`;
    const nowhere = await visit(gateway.port, 'elsewhere.test', '/', PAGE);
    expect(nowhere.body).toMatch(/<html lang="en".*<title>Not here<\/title>/s);
    for (const path of ['/', '/.swiftor/events', '/.swiftor/start']) {
      const { status, body } = await visit(gateway.port, own, path, PAGE);
      expect([path, status, body]).toEqual([path, 404, nowhere.body]);
    }
    const { status, body } = await visit(gateway.port, `web-${id}.localhost`, '/', PAGE);
    expect(status).toBe(503);
    expect(body).toContain('This is not available at the moment.');
    expect(body).not.toContain('Hidden');
    expect(body).not.toContain('<form');
    expect((await visit(gateway.port, `web-${id}.localhost`, '/.swiftor/start', PAGE, 'POST')).body).toBe('not here');
  });
});

describe('the start button', () => {
  const press = (host: string, headers: Record<string, string>) =>
    visit(gateway.port, host, '/.swiftor/start?to=%2Fx', headers, 'POST');
  const enabledOf = async (id: string) => {
    const { vms } = (await (await gateway.rest(token, 'GET', '/vms')).json()) as {
      vms: { id: string; enabled: boolean }[];
    };
    return vms.find((vm) => vm.id === id)?.enabled;
  };

  it("ignores requests from another site's page and from links", async () => {
    const id = await vmOf('silent');
    const { host, cookie, ...own } = await openVm(gateway, token, id);
    const strangers: Record<string, string>[] = [
      {},
      { cookie, origin: 'https://evil.test' },
      { cookie, origin: `http://web-${host}` },
      { cookie, origin: 'null', 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'navigate' },
      { cookie, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' },
    ];
    for (const headers of strangers) expect((await press(host, headers)).body).toBe('not here');
    expect(
      (
        await own.visit('/.swiftor/start', {
          'sec-fetch-site': 'same-site',
          'sec-fetch-mode': 'navigate',
          'sec-fetch-dest': 'document',
        })
      ).status,
    ).toBe(405);
    expect(await enabledOf(id)).toBe(false);
    const pressed = await press(host, {
      cookie,
      origin: `http://${host}`,
      'sec-fetch-site': 'same-origin',
      'sec-fetch-mode': 'navigate',
    });
    expect([pressed.status, pressed.headers.location]).toEqual([303, '/x']);
    expect(await enabledOf(id)).toBe(true);
  });
});
