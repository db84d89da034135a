import type { Browser, CDPSession, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { keepScreenshot, openBrowser } from '../../support/browser/browser.ts';
import { openDesktop, screenSize, seeDesktop, type TestDesktop } from '../../support/browser/desktop.ts';
import { eventually } from '../../support/eventually.ts';

const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };
const TARGET = 44;
/** Prints the height of the bar at the edge of the desktop. */
const PANEL_HEIGHT = `
from Xlib import display
def heights(window):
    if 'xfce4-panel' in (window.get_wm_class() or ()):
        yield window.get_geometry().height
    for child in window.query_tree().children:
        yield from heights(child)
print(max(heights(display.Display().screen().root)))
`;

let desktop: TestDesktop;
let browser: Browser;

describe("the desktop's page", () => {
  beforeAll(async () => {
    desktop = await openDesktop();
    browser = await openBrowser();
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    await desktop?.[Symbol.asyncDispose]();
  }, 30_000);

  it('types what input methods and other layouts write', { timeout: 90_000 }, async () => {
    const page = await open();
    const written = await openWriter(page);
    const cdp = await page.context().newCDPSession(page);
    await composeText(cdp, ['に', 'にほん', '日本']);
    await cdp.send('Input.insertText', { text: '😀' });
    for (const [key, code] of [
      ['ä', 'Quote'],
      ['ß', 'Minus'],
    ] as const) {
      await pressKey(cdp, key, code);
    }
    await cdp.send('Input.insertText', { text: '✓ ascii' });
    await keepScreenshot(page, 'desktop-composed');
    expect(await written()).toBe('日本😀äß✓ ascii');
  });

  it('types more characters than X has free keys for', { timeout: 90_000 }, async () => {
    const page = await open();
    const written = await openWriter(page);
    const cdp = await page.context().newCDPSession(page);
    const text = String.fromCodePoint(...Array.from({ length: 200 }, (_, at) => 0x4e00 + 7 * at));
    await cdp.send('Input.insertText', { text });
    expect(await written()).toBe(text);
  });

  it.each([
    { viewport: { width: 800, height: 500 }, deviceScaleFactor: 2, size: '1600x1000' },
    { ...PHONE, deviceScaleFactor: 3, size: '1170x2532' },
  ])(
    'is as sharp as a screen with $deviceScaleFactor pixels for one of the page, and as large',
    { timeout: 90_000 },
    async ({ size, ...options }) => {
      const page = await open(options);
      await eventually(async () => (await screenSize(page)) === size, { deadline: 30_000 });
      const panel = async () => Number(await desktop.run('python3', '-c', PANEL_HEIGHT));
      const usual = 26 * options.deviceScaleFactor;
      await eventually(async () => (await panel()) >= usual, { deadline: 30_000 });
      await keepScreenshot(page, `desktop-${options.deviceScaleFactor}x`);
      await page.context().close();
      const other = await open();
      await eventually(async () => (await panel()) < 40, { deadline: 30_000 });
      await other.context().close();
    },
  );

  it(
    'says how far it is over a slow network, begins with a small picture, and takes keys',
    {
      timeout: 90_000,
    },
    async () => {
      const context = await browser.newContext({ viewport: { width: 800, height: 500 } });
      onTestFinished(() => context.close());
      const page = await context.newPage();
      const devtools = await context.newCDPSession(page);
      // 400 kbit/s.
      const throughput = { downloadThroughput: 50_000, uploadThroughput: 50_000 };
      await devtools.send('Network.emulateNetworkConditions', { offline: false, latency: 300, ...throughput });
      await page.goto(desktop.url, { waitUntil: 'commit' });
      await page.getByText('Connecting…').waitFor({ timeout: 5_000 });
      await page.getByText('Waiting for the picture…').waitFor({ timeout: 30_000 });
      await keepScreenshot(page, 'desktop-slow');
      await seeDesktop(page);
      expect(await page.locator('#quality').inputValue()).toBe('2');
      const written = await openWriter(page);
      await page.keyboard.type('slowly');
      expect(await written()).toBe('slowly');
    },
  );

  it('can be typed into from a phone', { timeout: 90_000 }, async () => {
    const page = await open(PHONE);
    const written = await openWriter(page);
    await page.tap('#grip');
    await keepScreenshot(page, 'desktop-phone-toolbar');
    expect(await smallestTarget(page)).toBeGreaterThanOrEqual(TARGET);
    await page.tap('#touch-keyboard');
    expect(await page.evaluate(`document.activeElement.id + ' ' + document.activeElement.inputMode`)).toBe(
      'typed text',
    );
    expect(await smallestTarget(page)).toBeGreaterThanOrEqual(TARGET);
    await keepScreenshot(page, 'desktop-phone-keyboard');
    const cdp = await page.context().newCDPSession(page);
    // As on-screen keyboards do: each word is composed, and is corrected afterwards.
    await pressKey(cdp, 'Unidentified', '');
    for (const text of ['t', 'te', 'teh']) {
      await cdp.send('Input.imeSetComposition', { text, selectionStart: text.length, selectionEnd: text.length });
    }
    await cdp.send('Input.insertText', { text: 'the ' });
    await page.tap('[value=ControlLeft]');
    await cdp.send('Input.insertText', { text: 'u' });
    await cdp.send('Input.insertText', { text: 'hello' });
    expect(await written()).toBe('hello');
  });

  it("leaves the visitor's clipboard alone until something is copied", { timeout: 60_000 }, async () => {
    const page = await open({ permissions: ['clipboard-read', 'clipboard-write'] });
    await page.evaluate(`navigator.clipboard.writeText("the visitor's")`);
    await select('primary', 'only selected');
    await select('clipboard', 'copied äß✓日本😀');
    await eventually(async () => (await readClipboard(page)) !== "the visitor's");
    expect(await readClipboard(page)).toBe('copied äß✓日本😀');
  });

  it('carries pictures between the clipboards', { timeout: 90_000 }, async () => {
    const page = await open({ permissions: ['clipboard-read', 'clipboard-write'] });
    await page.evaluate(`(async () => {
      const canvas = document.createElement('canvas');
      canvas.getContext('2d').fillRect(0, 0, 20, 20);
      const picture = await new Promise((resolve) => canvas.toBlob(resolve));
      await navigator.clipboard.write([new ClipboardItem({ 'image/png': picture })]);
      window.dispatchEvent(new Event('focus'));
    })()`);
    const copied = ['sh', '-c', 'xclip -selection clipboard -t image/png -o | head -c 4 | tail -c 3'];
    await eventually(async () => (await desktop.run(...copied)) === 'PNG', { deadline: 30_000 });
    await page.evaluate("navigator.clipboard.writeText('text')");
    await page.hover('#grip');
    await page.click('#open-clipboard');
    await page.click('#copy-picture');
    await page.getByText('The picture is on your clipboard.').waitFor();
    expect(await page.evaluate('navigator.clipboard.read().then(([item]) => item.types.join())')).toBe('image/png');
    await page.context().close();
  });

  it('has its own size again when a smaller page has left', { timeout: 60_000 }, async () => {
    const page = await open();
    await eventually(async () => (await screenSize(page)) === '1280x800');
    const other = await open({ viewport: { width: 800, height: 600 } });
    await eventually(async () => (await screenSize(page)) === '800x600');
    await other.context().close();
    await eventually(async () => (await screenSize(page)) === '1280x800');
  });

  it('has letters of Chinese, Japanese and Korean, and emoji', async () => {
    for (const language of ['ja', 'zh-cn', 'zh-tw', 'ko', 'und-zsye']) {
      expect(await desktop.run('fc-list', `:lang=${language}`, 'family')).not.toBe('');
    }
  });
});

async function open(options = {}): Promise<Page> {
  const page = await desktop.open(browser, options);
  onTestFinished(async () => page.context().close());
  return page;
}

/** A terminal that has the focus, and what was typed into it: called once, it ends the line. */
async function openWriter(page: Page): Promise<() => Promise<string>> {
  const file = `/config/typed-${crypto.randomUUID()}`;
  const command = `xfce4-terminal --disable-server --maximize -x sh -c 'cat > ${file}'`;
  await desktop.start(command, 'Xfce4-terminal');
  await eventually(() => desktop.run('sh', '-c', 'ls /config/typed-*').then((names) => names.includes(file)));
  return async () => {
    await page.keyboard.press('Enter');
    return eventually(async () => (await desktop.run('cat', file)).replace(/\n$/, ''));
  };
}

async function composeText(cdp: CDPSession, steps: readonly string[]): Promise<void> {
  for (const text of steps) {
    await cdp.send('Input.imeSetComposition', { text, selectionStart: text.length, selectionEnd: text.length });
  }
  await cdp.send('Input.insertText', { text: steps.at(-1) ?? '' });
}

async function pressKey(cdp: CDPSession, key: string, code: string): Promise<void> {
  const windowsVirtualKeyCode = code === '' ? 229 : 222;
  const text = code === '' ? '' : key;
  await cdp.send('Input.dispatchKeyEvent', { type: 'keyDown', key, code, text, windowsVirtualKeyCode });
  await cdp.send('Input.dispatchKeyEvent', { type: 'keyUp', key, code, windowsVirtualKeyCode });
}

/** The shorter side of the smallest button that is shown; 0 when the page is wider than the screen. */
function smallestTarget(page: Page): Promise<number> {
  return page.evaluate(`(() => {
    const shown = [...document.querySelectorAll('button, select')].map((each) => each.getBoundingClientRect())
      .filter(({ width }) => width > 0);
    const fits = shown.every(({ left, right }) => left >= 0 && right <= innerWidth);
    return fits ? Math.min(...shown.flatMap(({ width, height }) => [width, height])) : 0;
  })()`);
}

async function select(selection: 'primary' | 'clipboard', text: string): Promise<void> {
  await desktop.run('sh', '-c', `printf %s "$1" | xclip -selection ${selection}`, 'sh', text);
}

function readClipboard(page: Page): Promise<string> {
  return page.evaluate('navigator.clipboard.readText()');
}
