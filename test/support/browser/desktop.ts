import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { docker } from '../engine/engines.ts';
import { eventually } from '../eventually.ts';
import { execIn } from '../engine/exec-in.ts';
import { countColours } from './desktop-picture.ts';

const IMAGE = 'local/webtop:debian-xfce';
const PORT = '3000/tcp';
/** Prints the class of the window that has the keyboard: of the nearest one that has a class. */
const FOCUS = `
from Xlib import display
window = display.Display().get_input_focus().focus
while not window.get_wm_class():
    window = window.query_tree().parent
print(window.get_wm_class())
`;

export interface TestDesktop extends AsyncDisposable {
  /** Of a host that browsers trust like https. */
  readonly url: string;
  readonly container: string;
  /** Runs a program in its session; rejects with its output when it fails. */
  run(...argv: readonly string[]): Promise<string>;
  /** Starts a program, whose window then has the keyboard. `name` as in the window's class: Xfce4-terminal. */
  start(command: string, name: string): Promise<void>;
  /** Its page in a window of its own, once the desktop can be seen. `script` runs before those of the page. */
  open(browser: Browser, options?: BrowserContextOptions & { script?: string }): Promise<Page>;
}

/** The desktop's container without a gateway and without a password, as soon as there is a desktop. */
export async function openDesktop(env: Readonly<Record<string, string>> = {}): Promise<TestDesktop> {
  await using undo = new AsyncDisposableStack();
  const made = await docker.createContainer({
    Image: IMAGE,
    Labels: { 'swiftor-test': 'desktop' },
    Env: Object.entries({ NO_AUTH: 'true', ...env }).map(([name, value]) => `${name}=${value}`),
    HostConfig: {
      PortBindings: { [PORT]: [{ HostIp: '127.0.0.1', HostPort: '' }] },
      ShmSize: 256 * 2 ** 20,
      Memory: 2 ** 31,
    },
  });
  undo.defer(() => made.remove({ force: true, v: true }));
  await made.start();
  const { NetworkSettings: network } = await made.inspect();
  const url = `http://127.0.0.1:${network.Ports[PORT]?.[0]?.HostPort ?? ''}/`;
  await eventually(async () => (await fetch(`${url}healthz`)).ok, { deadline: 90_000 });
  const run = (...argv: readonly string[]) => runInSession(made.id, argv);
  const parts = undo.move();
  return {
    url,
    container: made.id,
    run,
    async start(command, name) {
      await run('sh', '-c', `${command} >/dev/null 2>&1 &`);
      await awaitFocus(made.id, name);
    },
    async open(browser, { script = '', ...options } = {}) {
      const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
      await context.addInitScript(script);
      const page = await context.newPage();
      await page.goto(url);
      await seeDesktop(page);
      return page;
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

/** Waits until a window has the keyboard. `name` as in its class: Xfce4-terminal. */
export async function awaitFocus(container: string, name: string): Promise<void> {
  await eventually(async () => (await runInSession(container, ['python3', '-c', FOCUS])).includes(name), {
    deadline: 30_000,
  });
}

/** Runs a program in a desktop's session; rejects with its output when it fails. */
async function runInSession(container: string, argv: readonly string[]): Promise<string> {
  const inSession = ['setpriv', '--reuid=abc', '--regid=abc', '--init-groups', 'env', 'DISPLAY=:1', 'HOME=/config'];
  const { exitCode, output } = await execIn(container, [...inSession, ...argv]);
  if (exitCode !== 0) throw new Error(`${argv.join(' ')} ended with ${exitCode}: ${output}`);
  return output;
}

/** Waits until the page shows the desktop. */
export async function seeDesktop(page: Page): Promise<void> {
  await eventually(async () => (await countColours(page)) > 20, { deadline: 45_000 });
}

/** The size of the desktop's screen, as WIDTHxHEIGHT. */
export function screenSize(page: Page): Promise<string> {
  return page.evaluate(`(({ width, height }) => width + 'x' + height)(document.querySelector('#screen canvas'))`);
}
