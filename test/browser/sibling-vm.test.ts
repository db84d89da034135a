import { createServer, type ServerResponse } from 'node:http';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { openBrowser } from '../support/browser/browser.ts';
import { eventually } from '../support/eventually.ts';
import { createOpenLink } from '../support/ingress/open-vm.ts';
import { createSeeminglyRunningVm } from '../support/vm/seem-running.ts';
import { createTestGateway, type TestGateway } from '../support/gateway/gateway.ts';
import { testToken } from '../support/gateway/tokens.ts';

const alice = await testToken('alice');
const mallory = await testToken('mallory');

/** What the two apps were asked for, as `HOST PATH`. */
const asked: string[] = [];
/** A page that is one big button, and says so when it is pressed. */
const BUTTON = `<!doctype html><title>app</title><button style="position:fixed;inset:0;width:100%"
  onclick="fetch('/pressed')">Delete everything</button><script>fetch('/ran')</script>`;
const PAGES: Readonly<Record<string, string>> = {
  '/': BUTTON,
  '/outer': '<!doctype html><iframe src="/inner"></iframe><script src="/part.js"></script>',
  '/inner': '<!doctype html><script>fetch("/framed-itself")</script>',
  '/with-worker':
    '<!doctype html><script>navigator.serviceWorker.register("/worker.js").then(() => navigator.serviceWorker.ready).then(() => fetch("/worker-ready"))</script>',
};
const WIDE_COOKIES = ['vms.localhost', 'vms.test'].flatMap((domain) =>
  Array.from({ length: 40 }, (_, n) => `wide${n}=${'x'.repeat(1_000)}; Path=/; Domain=${domain}`),
);
const SCRIPTS: Readonly<Record<string, string>> = {
  '/part.js': '',
  '/worker.js': 'addEventListener("fetch", (event) => event.respondWith(fetch(event.request)));',
};

const app = createServer((req, res) => {
  const path = req.url ?? '/';
  asked.push(`${req.headers.host?.split(':')[0]} ${path}`);
  if (path === '/attack') return void attack(res);
  if (path === '/log-out') res.setHeader('clear-site-data', '"cookies"').setHeader('set-cookie', WIDE_COOKIES);
  if (SCRIPTS[path] !== undefined) return void res.setHeader('content-type', 'text/javascript').end(SCRIPTS[path]);
  res.setHeader('content-type', 'text/html').end(PAGES[path] ?? '');
});

/** The attacker's page: the victim's app in everything that can hold a page. */
let victimUrl = '';
function attack(res: ServerResponse): void {
  const at = (n: number) => `style="position:fixed;left:0;top:${n * 100}px;width:300px;height:90px;border:0"`;
  res.setHeader('content-type', 'text/html').end(`<!doctype html>
    <iframe ${at(0)} src="${victimUrl}"></iframe>
    <embed ${at(1)} src="${victimUrl}">
    <object ${at(2)} data="${victimUrl}"></object>
    <iframe ${at(3)} name="target"></iframe>
    <form method="get" action="${victimUrl}" target="target"></form>
    <script>document.forms[0].submit()</script>
    <a style="position:fixed;left:0;top:500px" href="${victimUrl}">a plain link</a>`);
}

beforeAll(() => new Promise<void>((resolve) => void app.listen(0, '127.0.0.1', resolve)));
afterAll(() => new Promise<void>((resolve) => void (app.close(() => resolve()), app.closeAllConnections())));

/** Over plain http, browsers say what a request is for (Sec-Fetch) at *.localhost only. */
describe.each(['vms.localhost', 'vms.test'])('the page of a sibling VM under %s', (domain) => {
  const parts = new AsyncDisposableStack();
  let gateway: TestGateway;
  let browser: Browser;
  let [victim, sibling] = ['', ''];
  beforeAll(async () => {
    const port = (app.address() as { port: number }).port;
    gateway = parts.use(
      await createTestGateway({
        env: { ROLES: 'api,ingress', BASE_DOMAIN: domain, PUBLIC_SCHEME: 'http' },
        distributions: [{ code: 'app', name: 'App', image: 'swiftor-test/tiny:1', defaultPort: port }],
      }),
    );
    browser = await openBrowser([`--host-resolver-rules=MAP *.${domain} 127.0.0.1`]);
    parts.defer(() => browser.close());
    victim = await createSeeminglyRunningVm(gateway, alice, 'app');
    sibling = await createSeeminglyRunningVm(gateway, mallory, 'app');
    const mapping = { vmid: sibling, name: 'web', internal_port: port };
    await gateway.rest(mallory, 'POST', '/vms/networking', { body: mapping });
  }, 60_000);
  afterAll(() => parts.disposeAsync());

  /** A browser whose person has opened the victim's app. */
  async function openVictim(): Promise<{ context: BrowserContext; page: Page }> {
    const context = await browser.newContext({ viewport: { width: 600, height: 600 } });
    onTestFinished(() => context.close());
    const page = await context.newPage();
    const link = await createOpenLink(gateway, alice, victim);
    link.port = String(gateway.port);
    await page.goto(link.href);
    expect(await page.title()).toBe('app');
    victimUrl = `http://${victim}.${domain}:${gateway.port}/`;
    asked.length = 0;
    return { context, page };
  }

  it('cannot show the app in a frame, and opens it by a link', async () => {
    const { page } = await openVictim();
    await page.goto(`http://web-${sibling}.${domain}:${gateway.port}/attack`);
    await page.waitForLoadState('networkidle');
    for (const row of [0, 1, 2, 3]) await page.mouse.click(150, row * 100 + 45);
    await page.click('a');
    await page.click('button');
    const host = `${victim}.${domain}`;
    await eventually(() => asked.includes(`${host} /pressed`));
    expect(asked.filter((each) => each === `${host} /ran`)).toHaveLength(1);
    expect(asked.filter((each) => each === `${host} /pressed`)).toHaveLength(1);
  });

  it('cannot sign the visitor out, nor lock them out with cookies', async () => {
    const { context, page } = await openVictim();
    await page.goto(`http://web-${sibling}.${domain}:${gateway.port}/log-out`);
    await page.goto(victimUrl);
    expect(await page.title()).toBe('app');
    expect((await context.cookies()).map(({ name }) => name)).toEqual(['swiftor_ticket']);

    // Scripts can set such cookies, and nothing but the Public Suffix List prevents it.
    await page.goto(`http://web-${sibling}.${domain}:${gateway.port}/inner`);
    await page.evaluate((own) => {
      for (let n = 0; n < 40; n += 1) document.cookie = `wide${n}=${'x'.repeat(1_000)}; Path=/; Domain=${own}`;
    }, domain);
    await eventually(async () => (await context.cookies(victimUrl)).length === 41);
    const { status } = await page
      .evaluate(async (url) => ({ status: (await fetch(url)).status }), '/inner')
      .catch(() => ({ status: 0 }));
    expect(status).toBe(431);
    await page.goto(victimUrl);
    await page.waitForFunction("document.title === 'app'");
    await eventually(async () => (await context.cookies(victimUrl)).length === 1);
  });

  it('does not keep the app from framing itself, or from a service worker', async () => {
    const { page } = await openVictim();
    const host = `${victim}.${domain}`;
    await page.goto(`${victimUrl}outer`);
    await eventually(() => asked.includes(`${host} /framed-itself`) && asked.includes(`${host} /part.js`));
    // Service workers need a secure context.
    if (domain !== 'vms.localhost') return;
    await page.goto(`${victimUrl}with-worker`);
    await eventually(() => asked.includes(`${host} /worker-ready`));
    await page.goto(`${victimUrl}outer`);
    asked.length = 0;
    await page.reload();
    await eventually(() => asked.includes(`${host} /framed-itself`) && asked.includes(`${host} /part.js`));
  });
});
