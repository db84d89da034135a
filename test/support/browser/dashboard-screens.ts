import type { Page } from 'playwright-core';

/** Each screen: its name, its address with a VM, and a text that says that it is there. */
export const SCREENS: readonly (readonly [name: string, path: (vmId: string) => string, text: string])[] = [
  ['list', () => '/', 'A rather long name'],
  ['create', () => '/new', 'Create and start'],
  ['vm', (vmId) => `/vm/${vmId}`, 'Created · you'],
  ['logs', (vmId) => `/vm/${vmId}/logs`, 'Following'],
  ['stats', (vmId) => `/vm/${vmId}/stats`, 'Show as a table'],
  ['secrets', (vmId) => `/vm/${vmId}/secrets`, 'VM_PASSWORD'],
  ['network', (vmId) => `/vm/${vmId}/network`, 'Own address'],
  ['activity-of-vm', (vmId) => `/vm/${vmId}/activity`, 'created'],
  ['settings', (vmId) => `/vm/${vmId}/settings`, 'Delete this VM'],
  ['catalog', () => '/catalog', 'Apps'],
  ['activity', () => '/activity', 'created'],
  ['account', () => '/account', 'Use the API'],
  ['nothing', () => '/vm/00000000-0000-0000-0000-000000000000', 'There is no such VM'],
];

/** Goes there by the page's own router, as people do, and waits for its text. */
export async function showScreen(page: Page, path: string, text: string): Promise<void> {
  await page.evaluate(`history.pushState(null, '', '${path}'); dispatchEvent(new PopStateEvent('popstate'))`);
  await page.locator('main').getByText(text).filter({ visible: true }).first().waitFor();
}

/** A phone widens its window to the content, so this is held against the screen and not against `innerWidth`. */
export function widthOf(page: Page): Promise<number> {
  return page.evaluate('document.documentElement.scrollWidth');
}

/** Elements that are narrower than what is in them, and do not scroll. Times below a chart hang over; names are cut. */
export function cutTexts(page: Page): Promise<string[]> {
  return page.evaluate(`[...document.body.querySelectorAll('*')]
    .filter((each) => each.checkVisibility() && each.clientWidth > 1 && each.scrollWidth > each.clientWidth + 1)
    .filter((each) => !each.matches('.plot, .account-name') && !/auto|scroll/.test(getComputedStyle(each).overflowX))
    .map((each) => each.outerHTML.slice(0, 120))`);
}

/** How many rows these elements stand in. */
export function rowsOf(page: Page, selector: string): Promise<number> {
  return page.evaluate(`new Set([...document.querySelectorAll(${JSON.stringify(selector)})]
    .filter((each) => each.checkVisibility())
    .map((each) => Math.round(each.getBoundingClientRect().bottom / 10))).size`);
}
