import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { gzipSync } from 'node:zlib';
import type { Browser, Page, Response } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadBuiltFiles } from '../../../src/http/response/built-files.ts';
import { keepScreenshot, openBrowser } from '../../support/browser/browser.ts';
import { openDashboard, PHONE, WIDE } from '../../support/browser/dashboard.ts';
import { cutTexts, rowsOf, SCREENS, showScreen, widthOf } from '../../support/browser/dashboard-screens.ts';
import { longerWords, useLongerWords } from '../../support/browser/longer-words.ts';
import { testImage } from '../../support/engine/images/tiny-image.ts';
import { testToken } from '../../support/gateway/tokens.ts';
import { useGateway } from '../../support/gateway/use-gateway.ts';
import { createVm } from '../../support/vm/vms.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const token = await testToken('screens', { plan: 'unlimited' });

let browser: Browser;
let vmId: string;
beforeAll(async () => {
  browser = await openBrowser();
}, 60_000);
afterAll(() => browser?.close());

const gateway = useGateway(async () => {
  const image = await testImage();
  const command = ['/bin/sh', '-c', 'echo no disk; exit 3'];
  return { distributions: [{ code: 'crasher', name: 'Crasher', image, defaultPort: 3000, command }] };
});
beforeAll(async () => {
  vmId = await createVm(gateway, token, { vmlabel: 'A rather long name of a desktop that somebody gave it' });
  const failing = await createVm(gateway, token, { vmlabel: 'Fails', distribution: 'crasher', desktop: null });
  for (const id of [vmId, failing]) await gateway.rest(token, 'POST', `/vms/start/${id}`);
}, 30_000);

interface Violation {
  readonly id: string;
  readonly impact: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
}

/** What axe finds that is moderate or worse. */
async function violationsOf(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  const found = await page.evaluate<Violation[]>('axe.run().then(({ violations }) => violations)');
  return found
    .filter(({ impact }) => impact !== 'minor')
    .flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 160)} ${failureSummary}`),
    );
}

describe.each([
  { name: 'wide and light', viewport: WIDE, colorScheme: 'light', isMobile: false },
  { name: 'narrow and dark', viewport: PHONE, colorScheme: 'dark', isMobile: true },
] as const)('every screen, $name', ({ viewport, colorScheme, isMobile }) => {
  it('is accessible, fits, and offers targets that can be hit', async () => {
    const options = { viewport, colorScheme, isMobile, hasTouch: isMobile, bypassCSP: true };
    const { page } = await openDashboard(browser, gateway, { token, context: options });
    const problems: string[] = [];
    for (const [name, path, text] of SCREENS) {
      await showScreen(page, path(vmId), text);
      await keepScreenshot(page, `dashboard-${name}-${isMobile ? 'narrow' : 'wide'}`);
      for (const problem of await violationsOf(page)) problems.push(`${name}: ${problem}`);
      if ((await widthOf(page)) > viewport.width) problems.push(`${name}: too wide`);
      problems.push(...(await cutTexts(page)).map((text) => `${name}: cut: ${text}`));
      for (const details of await page.locator('main details > summary').all()) await details.click();
      if ((await widthOf(page)) > viewport.width) problems.push(`${name}: too wide with its details`);
      if (isMobile) problems.push(...(await smallTargets(page)).map((target) => `${name}: small: ${target}`));
    }
    expect(problems).toEqual([]);
  }, 90_000);
});

/** What is smaller than a finger. Links within sentences may be. */
function smallTargets(page: Page): Promise<string[]> {
  return page.evaluate(`[...document.querySelectorAll('button, select, summary, textarea, .choice, .option, .more,' +
      '.button, .back, .nav a, .tabs a, input:not([type=checkbox], [type=radio])')]
    .filter((each) => each.checkVisibility() && !each.matches('.link'))
    .map((each) => [each, each.getBoundingClientRect()])
    .filter(([each, { width, height }]) => width < 43.5 || height < 43.5)
    .map(([each, { width, height }]) => width + ' x ' + height + ': ' + each.outerHTML.slice(0, 120))`);
}

it('what opens over a screen is accessible and fits a phone', async () => {
  const context = { viewport: PHONE, isMobile: true, hasTouch: true, bypassCSP: true } as const;
  const { page } = await openDashboard(browser, gateway, { token, context });
  await showScreen(page, `/vm/${vmId}`, 'Created · you');
  const check = async (what: string) => {
    expect(await violationsOf(page), what).toEqual([]);
    expect(await widthOf(page), what).toBeLessThanOrEqual(PHONE.width);
  };
  const menu = page.getByRole('button', { name: /^More for/ });
  await menu.click();
  await page.getByRole('menuitem', { name: 'Terminal' }).waitFor();
  await check('the menu');
  await page.keyboard.press('Escape');
  for (const [item, text] of [
    ['Share…', 'Who may open it now'],
    ['Rename', 'Save'],
    ['Delete…', 'Delete for good'],
  ] as const) {
    await menu.click();
    await page.getByRole('menuitem', { name: item }).click();
    await page.getByRole('dialog').getByText(text).first().waitFor();
    await check(item);
    await page.keyboard.press('Escape');
  }
  await page.locator('.vm-name').getByRole('button', { name: 'Rename' }).click();
  await page.locator('.rename input').waitFor();
  await check('the name as a field');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: /^Search and commands/ }).click();
  await page.getByRole('combobox').waitFor();
  await check('the palette');
}, 60_000);

describe.each([
  { name: 'wide', viewport: WIDE },
  { name: 'narrow', viewport: PHONE },
])('every screen in a language of longer words, $name', ({ name, viewport }) => {
  it('fits, and cuts none of them', async () => {
    const isMobile = viewport === PHONE;
    const { page } = await openDashboard(browser, gateway, {
      token,
      context: { viewport, isMobile, hasTouch: isMobile, bypassCSP: true },
    });
    await useLongerWords(page);
    const problems: string[] = [];
    for (const [screen, path, text] of SCREENS) {
      await showScreen(page, path(vmId), longerWords(text));
      await keepScreenshot(page, `dashboard-${screen}-${name}-longer`);
      if ((await widthOf(page)) > viewport.width) problems.push(`${screen}: too wide`);
      if (screen === 'vm') expect(await rowsOf(page, '.vm-header .buttons > button'), 'rows of buttons').toBe(1);
      problems.push(...(await cutTexts(page)).map((text) => `${screen}: cut: ${text}`));
    }
    expect(problems).toEqual([]);
  }, 90_000);
});

it('at 200 %, and with the colours of the system, every screen fits and says what is chosen', async () => {
  const zoomed = { width: WIDE.width / 2, height: WIDE.height / 2 };
  const context = { viewport: zoomed, deviceScaleFactor: 2, forcedColors: 'active', bypassCSP: true } as const;
  const { page } = await openDashboard(browser, gateway, { token, context });
  for (const [name, path, text] of SCREENS) {
    await showScreen(page, path(vmId), text);
    expect(await widthOf(page), name).toBeLessThanOrEqual(zoomed.width);
  }
  await showScreen(page, `/vm/${vmId}/logs`, 'Following');
  const colourOf = (tab: string): Promise<string> =>
    page
      .locator(tab)
      .first()
      .evaluate((each) => getComputedStyle(each).borderBottomColor);
  expect(await colourOf('.tabs [aria-current]')).not.toBe(await colourOf('.tabs a:not([aria-current])'));
  await showScreen(page, '/new', 'Create and start');
  const outline = await page.locator('.option:has(:checked)').evaluate((each) => getComputedStyle(each).outlineStyle);
  expect(outline).toBe('solid');
}, 60_000);

/** What an element that can have the focus is called, near enough. */
const NAME_OF = `(each) => each.ariaLabel ?? (each.id || each.textContent)`;

describe('the keyboard', () => {
  it('reaches everything in the order of the page, with a visible focus, and goes first to the content if asked', async () => {
    const { page } = await openDashboard(browser, gateway, { token });
    await page.locator('.vm-row').first().waitFor();
    await page.getByRole('button', { name: /^Search and commands/ }).waitFor();
    const names = await page.evaluate<string[]>(`[...document.querySelectorAll('a[href], button, input, select')]
      .filter((each) => each.checkVisibility() && each.closest('[popover]') === null).map(${NAME_OF})`);
    const stops: string[] = [];
    while (stops.length < names.length) {
      await page.keyboard.press('Tab');
      const [name, isVisible] = await page.evaluate<[string, boolean]>(`(() => {
        const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
        return [(${NAME_OF})(document.activeElement), outlineStyle !== 'none' && outlineWidth !== '0px'];
      })()`);
      expect([name, isVisible]).toEqual([name, true]);
      stops.push(name);
    }
    expect(stops).toEqual(names);
    expect(names.slice(0, 2)).toEqual(['Skip to content', 'Swiftor']);
  }, 30_000);

  it('opens the palette, the search and rows, unless single keys are turned off', async () => {
    const { page } = await openDashboard(browser, gateway, { token });
    await page.locator('.vm-row').first().waitFor();
    // Keys work once everything that the first screen does not wait for is there.
    await page.getByRole('button', { name: /^Search and commands/ }).waitFor();
    await page.keyboard.press('Control+k');
    await page.getByRole('combobox', { name: 'VM, action or screen' }).fill('rather');
    await page.keyboard.press('Enter');
    await page.locator('.vm-header').waitFor();
    await page.goBack();
    await page.locator('.vm-row').first().waitFor();
    await page.keyboard.press('/');
    expect(await page.evaluate('document.activeElement.type')).toBe('search');
    await page.keyboard.press('Escape');
    await page.evaluate('document.activeElement.blur()');
    await page.keyboard.press('j');
    expect(await page.evaluate("document.activeElement.matches('.vm-row a.name')")).toBe(true);
    await page.keyboard.press('n');
    await page.getByRole('heading', { name: 'New VM' }).waitFor();
    await page.goBack();
    await page.keyboard.press('?');
    await page.getByRole('checkbox', { name: 'Single-key shortcuts' }).uncheck();
    await page.evaluate('document.activeElement.blur()');
    await page.keyboard.press('n');
    await page.keyboard.press('Control+k');
    await page.getByRole('combobox', { name: 'VM, action or screen' }).waitFor();
    expect(new URL(page.url()).pathname).toBe('/account');
  }, 30_000);
});

describe('the budget', () => {
  it('of scripts and styles holds', async () => {
    const files = await loadBuiltFiles('dashboard');
    const sizes = [...(files ?? [])].map(
      ([name, { bodies }]) => [name, gzipSync(bodies.identity ?? '').length] as const,
    );
    const total = (pattern: RegExp): number => {
      const own = sizes.filter(([name]) => pattern.test(name));
      expect(own, `files like ${pattern}`).not.toEqual([]);
      return own.reduce((sum, [, size]) => sum + size, 0);
    };
    const kB = 1_024;
    expect(total(/\/(index|first)-[^/]*\.js$/)).toBeLessThanOrEqual(30 * kB);
    expect(total(/\.css$/)).toBeLessThanOrEqual(8 * kB);
    expect(total(/\/stats-[^/]*\.js$/)).toBeLessThanOrEqual(4 * kB);
    expect(total(/\/oidc-[^/]*\.js$/)).toBeLessThanOrEqual(8 * kB);
    expect(total(/./)).toBeLessThanOrEqual(90 * kB);
  });

  it('of requests, time and movement until the first list holds, also over a slow connection', async () => {
    const { context, page } = await openDashboard(browser, gateway, { token });
    // The best of a few: others work on this machine, too.
    const firstListWithin = async (bound: number): Promise<number> => {
      const times: number[] = [];
      while (times.length < 5 && !times.some((time) => time < bound)) {
        const began = Date.now();
        await page.reload();
        await page.locator('.vm-row').first().waitFor();
        times.push(Date.now() - began);
      }
      return Math.min(...times);
    };
    expect(await firstListWithin(1_000)).toBeLessThan(1_000);
    const slow = await context.newCDPSession(page);
    await slow.send('Network.emulateNetworkConditions', {
      offline: false,
      latency: 300,
      downloadThroughput: 50_000,
      uploadThroughput: 50_000,
    });
    await slow.send('Network.setCacheDisabled', { cacheDisabled: true });
    expect(await firstListWithin(2_500)).toBeLessThan(2_500);
    const requests: Response[] = [];
    page.on('response', (response) => void requests.push(response));
    await page.reload();
    await page.locator('.vm-row').first().waitFor();
    // Another try of the VM that fails may be told meanwhile, and makes the page ask for the usage.
    const isOfEvent = (response: Response): boolean => response.request().postData()?.includes('UsageNow') ?? false;
    const first = requests.filter((response) => !response.url().includes('/later-') && !isOfEvent(response));
    expect(first.map((response) => new URL(response.url()).pathname).slice(1).length).toBeLessThanOrEqual(4);
    const moved = `new Promise((resolve) => {
      let sum = 0;
      new PerformanceObserver((list) => {
        for (const { value, hadRecentInput } of list.getEntries()) if (!hadRecentInput) sum += value;
      }).observe({ type: 'layout-shift', buffered: true });
      setTimeout(() => resolve(sum), 500);
    })`;
    expect(await page.evaluate(moved)).toBeLessThan(0.02);
  }, 30_000);

  it('of hosts is none but the gateway, and no token is in an address or on a console', async () => {
    const { page, complaints } = await openDashboard(browser, gateway, { token });
    const urls: string[] = [];
    page.on('request', (request) => void urls.push(request.url()));
    await page.reload();
    await page.locator('.vm-row').first().waitFor();
    await page.goto(`http://localhost:${gateway.port}/vm/${vmId}/stats`);
    await page.getByText('Show as a table').waitFor();
    const origin = `http://localhost:${gateway.port}`;
    expect(urls.filter((url) => !url.startsWith(origin) && !url.startsWith('data:'))).toEqual([]);
    expect(urls.filter((url) => url.includes(token.split('.')[2] ?? ''))).toEqual([]);
    expect(complaints.join(' ')).not.toContain(token.split('.')[2]);
  }, 30_000);
});
