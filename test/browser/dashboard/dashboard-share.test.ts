import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { keepScreenshot, openBrowser } from '../../support/browser/browser.ts';
import { openDashboard, PHONE, WIDE } from '../../support/browser/dashboard.ts';
import { useGateway } from '../../support/gateway/use-gateway.ts';
import { createVm } from '../../support/vm/vms.ts';

const gateway = useGateway();
let browser: Browser;
beforeAll(async () => {
  browser = await openBrowser();
}, 60_000);
afterAll(() => browser?.close());

it('shares a VM with a guest, lists the guest, and ends their access', async () => {
  const token = await gateway.token('alice');
  const id = await createVm(gateway, token, { vmlabel: 'Secret plans' });
  const { page, complaints } = await openDashboard(browser, gateway, { token, path: `/vm/${id}` });
  await page.getByRole('button', { name: 'More for Secret plans' }).click();
  await page.getByRole('menuitem', { name: 'Share…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Share Secret plans' });
  await dialog.getByText('Nobody.').waitFor();

  // The VM has not run yet, so nobody knows whether its app can tell viewers apart.
  await dialog.getByRole('button', { name: 'Make a link' }).click();
  await dialog.getByText('start it first').waitFor();
  await dialog.getByLabel('Take part').check();
  await dialog.getByLabel('For how long?').selectOption('4h');
  await dialog.getByRole('button', { name: 'Make a link' }).click();
  const link = await dialog.locator('code').textContent();
  await dialog.getByText('link not used yet').waitFor();
  await keepScreenshot(page, 'dashboard-share');
  await page.setViewportSize(PHONE);
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(PHONE.width);
  await keepScreenshot(page, 'dashboard-share-phone');
  await page.setViewportSize(WIDE);

  const guest = await browser.newPage();
  await guest.goto(link ?? '');
  await guest.getByText('Only its owner can start it.').waitFor();
  expect(await guest.content()).not.toContain('Secret plans');
  expect(await guest.getByRole('button').count()).toBe(0);
  await dialog.getByRole('button', { name: 'Close' }).click();
  await page.getByRole('button', { name: 'More for Secret plans' }).click();
  await page.getByRole('menuitem', { name: 'Share…' }).click();
  await dialog.getByText('from 127.0.0.1').waitFor();
  await dialog.getByRole('button', { name: 'End: Somebody who takes part' }).click();
  await dialog.getByText('Nobody.').waitFor();
  await guest.reload();
  await guest.getByText('Whoever shared this with you has ended it').waitFor();
  await guest.close();
  expect(complaints).toEqual([]);
}, 60_000);
