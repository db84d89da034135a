import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openBrowser } from '../support/browser/browser.ts';
import { createTestGateway, type TestGateway } from '../support/gateway/gateway.ts';
import { createVm } from '../support/vm/vms.ts';

/**
 * A foreign page, at an address like a VM's, opened by a person whose browser even holds their token as a
 * cookie.
 */
const parts = new AsyncDisposableStack();
let gateway: TestGateway;
let browser: Browser;
let evil: Server;
beforeAll(async () => {
  gateway = parts.use(await createTestGateway({ env: { ROLES: 'api,ingress' } }));
  browser = await openBrowser();
  parts.defer(() => browser.close());
  evil = createServer((_request, reply) =>
    reply.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><body></body>'),
  );
  await once(evil.listen(0, '127.0.0.1'), 'listening');
  parts.defer(() => new Promise<void>((resolve) => void (evil.close(() => resolve()), evil.closeAllConnections())));
});
afterAll(() => parts.disposeAsync());

it('can do nothing and read nothing, in whatever way a browser lets it ask', { timeout: 120_000 }, async () => {
  const token = await gateway.token('visitor');
  const id = await createVm(gateway, token, { vmlabel: 'precious' });
  const before = await (await gateway.rest(token, 'GET', `/vms/${id}`)).text();
  const target = `http://localhost:${gateway.port}`;

  const context = await browser.newContext();
  await context.addCookies(
    ['token', 'authorization', 'sb-access-token'].map((name) => ({
      name,
      value: token,
      domain: 'localhost',
      path: '/',
      sameSite: 'Lax' as const,
    })),
  );
  const page = await context.newPage();
  await page.goto(`http://${id}.localhost:${(evil.address() as AddressInfo).port}/`);
  const seen = await page.evaluate(attack, { target, id, token });

  // Each of them was made, and the page could read none of the answers.
  expect(Object.keys(seen).toSorted()).toEqual(
    [
      'event source',
      'fetch with JSON',
      'fetch without CORS',
      'form',
      'frame',
      'image',
      'multipart form',
      'text form',
      'WebSocket',
    ].toSorted(),
  );
  expect(JSON.stringify(seen)).not.toContain('precious');
  expect(seen['WebSocket']).toBe('refused with 1008');
  expect(seen['fetch with JSON']).toBe('nothing');
  expect(seen['event source']).toBe('refused');
  expect(await (await gateway.rest(token, 'GET', `/vms/${id}`)).text()).toBe(before);
  await context.close();
});

it("opens a socket from the gateway's own address", { timeout: 60_000 }, async () => {
  const page = await browser.newPage();
  await page.goto(`http://localhost:${gateway.port}/health/live`);
  const opened = await page.evaluate(
    (url) =>
      new Promise<string>((resolve) => {
        const socket = new WebSocket(url, 'graphql-transport-ws');
        socket.addEventListener('open', () => (socket.close(), resolve('open')));
        socket.addEventListener('error', () => resolve('refused'));
      }),
    `ws://localhost:${gateway.port}/graphql`,
  );
  expect(opened).toBe('open');
  await page.close();
});

/** Runs in the page: every attack to its end, with what the page could learn of it. */
async function attack({
  target,
  id,
  token,
}: {
  target: string;
  id: string;
  token: string;
}): Promise<Record<string, string>> {
  const mutation = `mutation { deleteVm(id: "${id}") }`;
  const operation = JSON.stringify({ query: mutation });
  const submit = (enctype: string, fields: Record<string, string>): Promise<string> =>
    new Promise((resolve) => {
      const frame = Object.assign(document.createElement('iframe'), { name: `frame-${enctype}` });
      const form = Object.assign(document.createElement('form'), {
        method: 'POST',
        action: `${target}/graphql`,
        enctype,
        target: frame.name,
      });
      for (const [name, value] of Object.entries(fields))
        form.append(Object.assign(document.createElement('input'), { name, value }));
      document.body.append(frame, form);
      frame.addEventListener('load', () => resolve('sent'));
      form.submit();
    });
  const load = (element: HTMLImageElement | HTMLIFrameElement, source: string): Promise<string> =>
    new Promise((resolve) => {
      element.addEventListener('load', () => resolve('sent'));
      element.addEventListener('error', () => resolve('sent'));
      element.src = source;
      document.body.append(element);
    });
  const read = (init: RequestInit): Promise<string> =>
    fetch(`${target}/graphql`, { method: 'POST', credentials: 'include', ...init }).then(
      async (response) => (await response.text()) || 'nothing',
      () => 'nothing',
    );
  return {
    form: await submit('application/x-www-form-urlencoded', { query: mutation }),
    'multipart form': await submit('multipart/form-data', { operations: operation, query: mutation }),
    // The name takes all but the end of the JSON, as text/plain writes NAME=VALUE.
    'text form': await submit('text/plain', { [`{"query":${JSON.stringify(mutation)},"x":"`]: '"}' }),
    'fetch without CORS': await read({ mode: 'no-cors', body: operation }),
    'fetch with JSON': await read({
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: '{ vms { nodes { vmlabel } } }' }),
    }),
    image: await load(new Image(), `${target}/vms/delete/${id}`),
    frame: await load(document.createElement('iframe'), `${target}/vms/delete/${id}`),
    WebSocket: await new Promise((resolve) => {
      const socket = new WebSocket(`${target.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
      // Not even with the token in its hands: it is the page that is refused.
      socket.addEventListener('open', () =>
        socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } })),
      );
      socket.addEventListener('message', ({ data }) => resolve(String(data)));
      socket.addEventListener('close', ({ code }) => resolve(`refused with ${code}`));
    }),
    'event source': await new Promise((resolve) => {
      const source = new EventSource(
        `${target}/graphql?query=${encodeURIComponent('subscription { vmEvents { vm { vmlabel } } }')}`,
        {
          withCredentials: true,
        },
      );
      source.addEventListener('next', ({ data }) => resolve(String(data)));
      source.addEventListener('error', () => (source.close(), resolve('refused')));
    }),
  };
}
