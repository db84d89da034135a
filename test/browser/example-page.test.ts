import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { keepScreenshot, openBrowser } from '../support/browser/browser.ts';
import { createTestGateway } from '../support/gateway/gateway.ts';
import { createVm } from '../support/vm/vms.ts';

it('the example page shows VMs and their status as it changes', async () => {
  const html = await readFile(path.join(import.meta.dirname, '../../examples/page.html'));
  const site = createServer((_request, reply) => reply.setHeader('content-type', 'text/html').end(html));
  onTestFinished(() => void site.close());
  await once(site.listen(0, '127.0.0.1'), 'listening');
  const origin = `http://127.0.0.1:${(site.address() as AddressInfo).port}`;
  await using gateway = await createTestGateway({ env: { ALLOWED_ORIGINS: origin } });
  const token = await gateway.token('reader');
  const id = await createVm(gateway, token, { vmlabel: 'On the page' });

  const browser = await openBrowser();
  onTestFinished(() => browser.close());
  const page = await browser.newPage();
  await page.goto(`${origin}/#gateway=${gateway.url}&token=${token}`);
  const row = page.locator('tr', { hasText: 'On the page' });
  await row.getByText('STOPPED').waitFor();
  await keepScreenshot(page, 'example-page');
  await gateway.graphql(token, 'mutation ($id: ID!) { deleteVm(id: $id) }', { id });
  await row.waitFor({ state: 'detached' });
  expect(await page.locator('tbody tr').count()).toBe(0);
}, 60_000);
