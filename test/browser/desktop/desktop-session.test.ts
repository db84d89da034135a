import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { keepScreenshot, openBrowser } from '../../support/browser/browser.ts';
import { openDesktop, seeDesktop, type TestDesktop } from '../../support/browser/desktop.ts';
import { eventually } from '../../support/eventually.ts';

/** Notes which keys the page asks the system for. */
const NOTE_LOCKS = `const lock = navigator.keyboard.lock;
  navigator.keyboard.lock = function (...keys) { window.locks = [...(window.locks ?? []), keys]; return lock.apply(this, keys); }`;
/** Notes how loud what is played is. */
const NOTE_LOUDNESS = `const copy = AudioBuffer.prototype.copyToChannel;
  window.loudness = 0;
  AudioBuffer.prototype.copyToChannel = function (samples, ...rest) {
    window.loudness = Math.max(window.loudness, ...samples);
    return copy.call(this, samples, ...rest);
  }`;
/** A second of 440 Hz, at a third of the loudest. */
const TONE = `python3 -c 'import math, sys
for at in range(48000):
    sys.stdout.buffer.write(int(11000 * math.sin(at * 440 * math.tau / 48000)).to_bytes(2, "little", signed=True) * 2)
' | XDG_RUNTIME_DIR=/run/desk/xdg pacat --format=s16le --rate=48000 --channels=2 -d desk`;
const FRAMES_PER_SECOND = 50;

let desktop: TestDesktop;
let browser: Browser;

describe("the desktop's page", () => {
  beforeAll(async () => {
    desktop = await openDesktop();
    browser = await openBrowser(['--autoplay-policy=no-user-gesture-required']);
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    await desktop?.[Symbol.asyncDispose]();
  }, 30_000);

  it('shows the last picture and a word until it is connected again', { timeout: 90_000 }, async () => {
    const page = await open();
    await desktop.run('pkill', 'Xvnc');
    await page.locator('#last canvas').waitFor();
    expect(await page.textContent('#status')).toMatch(/^The connection was lost|^The desktop is starting/);
    await keepScreenshot(page, 'desktop-reconnecting');
    await seeDesktop(page);
    await eventually(async () => (await page.locator('#last canvas').count()) === 0);
    expect(await page.textContent('#status')).toBe('');
  });

  it('gives up reloading itself when a script does not arrive', { timeout: 90_000 }, async () => {
    const page = await open();
    let loads = 0;
    page.on('domcontentloaded', () => (loads += 1));
    await page.route('**/connection.js', (route) => route.abort());
    await page.reload();
    await page.locator('#again').waitFor({ timeout: 30_000 });
    expect(loads).toBe(5);
    await keepScreenshot(page, 'desktop-incomplete');
    await page.unroute('**/connection.js');
    await page.click('#again');
    await seeDesktop(page);
  });

  it('lets the keyboard out to the toolbar, and gives it all keys in full screen', { timeout: 60_000 }, async () => {
    const page = await open(NOTE_LOCKS);
    for (const key of ['Control', 'Alt', 'Shift']) await page.keyboard.down(key);
    for (const key of ['Shift', 'Alt', 'Control']) await page.keyboard.up(key);
    expect(await focus(page)).toBe('full-screen');
    await keepScreenshot(page, 'desktop-toolbar');
    await page.keyboard.press('Escape');
    expect([await focus(page), await page.locator('#tools').isVisible()]).toEqual(['typed', false]);
    await page.hover('#grip');
    await page.click('#full-screen');
    await eventually(
      async () => (await page.evaluate('document.fullscreenElement !== null && window.locks')) !== false,
    );
    expect(await page.evaluate('window.locks')).toEqual([[]]);
    expect(await focus(page)).toBe('typed');
  });

  it('plays what the desktop plays, as Opus, and is sent no silence', { timeout: 60_000 }, async () => {
    const page = await open(NOTE_LOUDNESS);
    const frames: number[] = [];
    page.on('websocket', (socket) => {
      if (socket.url().endsWith('/audio?codec=opus'))
        socket.on('framereceived', ({ payload }) => frames.push(payload.length));
    });
    await page.hover('#grip');
    await page.click('#sound');
    await desktop.run('sh', '-c', `${TONE}; ${TONE}`);
    await eventually(async () => (await page.evaluate<number>('window.loudness')) > 0.2);
    await eventually(() => frames.length > 1.5 * FRAMES_PER_SECOND);
    expect(frames.length).toBeLessThan(3 * FRAMES_PER_SECOND);
    expect(Math.max(...frames)).toBeLessThan(1_000);
  });
});

/** With a script of its own before those of the page. */
async function open(script = ''): Promise<Page> {
  const page = await desktop.open(browser, { script });
  onTestFinished(async () => page.context().close());
  return page;
}

function focus(page: Page): Promise<string> {
  return page.evaluate('document.activeElement.id');
}
