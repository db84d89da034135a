import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { build, type Rolldown } from 'vite';
import { expect, it, onTestFinished } from 'vitest';
import { startApiProcess } from '../support/api/api-process.ts';
import { openBrowser } from '../support/browser/browser.ts';
import { openDatabaseProxy } from '../support/database/database-proxy.ts';
import { removeVmRow } from '../support/database/remove-vm-row.ts';

const CLIENT = path.join(import.meta.dirname, '../../client/src/index.ts');
const PAGE = `<!doctype html>
<title>VMs</title>
<p>loading</p>
<script type="module">
  import { createSwiftorClient } from './client.js';
  const { url, token } = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
  const { watchVms } = createSwiftorClient({ url, token: () => token });
  for await (const { vms } of watchVms())
    document.querySelector('p').textContent = [...vms.values()].map(({ vmlabel }) => vmlabel).join(', ') || 'none';
</script>`;

it('@swiftor/client shows the VMs in a page of another origin, and goes on after a cut', async () => {
  const [bundle] = (await build({
    configFile: false,
    logLevel: 'silent',
    build: { write: false, lib: { entry: CLIENT, formats: ['es'] } },
  })) as Rolldown.RolldownOutput[];
  const script = bundle?.output[0].code ?? '';
  const site = createServer(({ url }, reply) => {
    const isScript = url === '/client.js';
    reply.setHeader('content-type', isScript ? 'text/javascript' : 'text/html').end(isScript ? script : PAGE);
  });
  onTestFinished(() => void site.close());
  await once(site.listen(0, '127.0.0.1'), 'listening');
  await using gateway = await startApiProcess();
  await using proxy = await openDatabaseProxy(gateway.url);
  const token = await gateway.token('page');

  const browser = await openBrowser();
  onTestFinished(() => browser.close());
  const page = await browser.newPage();
  const errors: unknown[] = [];
  page.on('pageerror', (error) => errors.push(error));
  const settings = new URLSearchParams({ url: proxy.url, token }).toString();
  await page.goto(`http://127.0.0.1:${(site.address() as AddressInfo).port}/#${settings}`);
  await page.getByText('none', { exact: true }).waitFor();
  const id = await gateway.createVm(token, 'in the page');
  await page.getByText('in the page', { exact: true }).waitFor();
  proxy.set('cut');
  await removeVmRow(gateway.databaseUrl, id);
  await gateway.createVm(token, 'after the cut');
  proxy.set('pass');
  await page.getByText('after the cut', { exact: true }).waitFor();
  expect(errors).toEqual([]);
}, 60_000);
