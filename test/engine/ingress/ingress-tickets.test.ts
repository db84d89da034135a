import { once } from 'node:events';
import { createServer, request, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { eventually } from '../../support/eventually.ts';
import { executeSql } from '../../support/database/execute-sql.ts';
import { createTestGateway } from '../../support/gateway/gateway.ts';
import {
  call,
  fetchText,
  gateway as proxyGateway,
  HOST,
  listen,
  read,
  upstream,
} from '../../support/ingress/ingress.ts';
import { createOpenLink, openVm } from '../../support/ingress/open-vm.ts';
import { visit } from '../../support/ingress/visit.ts';
import { createVm } from '../../support/vm/vms.ts';
import { testTicket } from '../../support/ingress/ticket.ts';
import { testToken } from '../../support/gateway/tokens.ts';
import { useGateway } from '../../support/gateway/use-gateway.ts';

const gateway = useGateway();
const token = await testToken('alice');

const NOWHERE = '1aa62e52-e61c-4ae3-9ac2-c9cb1f46d25f.localhost';
const follow = (link: URL, headers: Record<string, string> = {}) =>
  visit(gateway.port, link.host, link.pathname + link.search, headers);

async function head(link: URL): Promise<number> {
  const options = {
    host: '127.0.0.1',
    port: gateway.port,
    method: 'HEAD',
    path: link.pathname + link.search,
    headers: { host: link.host },
  };
  const outgoing = request({ ...options, agent: false });
  outgoing.end();
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  response.resume();
  return response.statusCode ?? 0;
}

describe('an open link', () => {
  it('sets an HttpOnly, same-site cookie for its host only, and redirects to the front page', async () => {
    const link = await createOpenLink(gateway, token, await createVm(gateway, token));
    const { status, headers } = await follow(link);
    expect([status, headers.location, headers['cache-control'], headers['referrer-policy']]).toEqual([
      303,
      '/',
      'no-store',
      'no-referrer',
    ]);
    const [cookie = '', ...others] = headers['set-cookie'] ?? [];
    expect(others).toEqual([]);
    const [pair = '', ...flags] = cookie.split('; ');
    expect(pair).toMatch(/^swiftor_ticket=[\w.-]+$/);
    expect(flags.filter((flag) => !flag.startsWith('Expires='))).toEqual(['Path=/', 'HttpOnly', 'SameSite=Lax']);
    const left = Date.parse(flags.find((flag) => flag.startsWith('Expires='))?.slice(8) ?? '') - Date.now();
    // It is kept for a week after its end, when it opens nothing but the page that says so.
    expect(left - 7 * 24 * 3_600_000).toBeGreaterThan(570_000);
    expect(left - 7 * 24 * 3_600_000).toBeLessThanOrEqual(600_000);
  });

  it('works once: later it is "not here" to others, and redirects the browser that used it', async () => {
    const link = await createOpenLink(gateway, token, await createVm(gateway, token));
    const cookie = (await follow(link)).headers['set-cookie']?.[0]?.split(';')[0] ?? '';
    const second = await follow(link);
    expect([second.status, second.body, second.headers['set-cookie']]).toEqual([404, 'not here', undefined]);
    const again = await follow(link, { cookie });
    expect([again.status, again.headers.location, again.headers['set-cookie']]).toEqual([303, '/', undefined]);
  });

  it.each([
    ['a browser that prefetches', { 'sec-purpose': 'prefetch;prerender' }],
    ['an older browser that prefetches', { purpose: 'prefetch' }],
    ['a chat that shows a preview', { 'user-agent': 'Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)' }],
    ['a crawler', { 'user-agent': 'facebookexternalhit/1.1' }],
  ])('is not used up by %s', async (_who, headers) => {
    const link = await createOpenLink(gateway, token, await createVm(gateway, token));
    expect((await follow(link, headers)).status).toBe(404);
    expect(await head(link)).toBe(404);
    expect(
      (await follow(link, { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0 Safari/537.36' })).status,
    ).toBe(303);
  });

  it('opens only its own address, and expires after a minute', async () => {
    const [id, other] = [await createVm(gateway, token), await createVm(gateway, token)];
    const link = await createOpenLink(gateway, token, id);
    const elsewhere = new URL(link);
    elsewhere.host = elsewhere.host.replace(id, other);
    expect((await follow(elsewhere)).status).toBe(404);
    elsewhere.host = `web-${link.host}`;
    expect((await follow(elsewhere)).status).toBe(404);
    await executeSql(gateway.databaseUrl, `update vm_access set link_until = link_until - interval '60 seconds'`);
    expect((await follow(link)).status).toBe(404);
  });

  it('over https sets a cookie that no sibling address can set', async () => {
    const secure = await createTestGateway({
      databaseUrl: gateway.databaseUrl,
      env: { PUBLIC_SCHEME: 'https', ROLES: 'api,ingress' },
    });
    onTestFinished(() => secure[Symbol.asyncDispose]());
    const id = await createVm(secure, token);
    const link = await createOpenLink(secure, token, id);
    expect(link.protocol).toBe('https:');
    const { headers } = await visit(secure.port, link.host, link.pathname + link.search);
    expect(headers['set-cookie']?.[0]).toMatch(
      /^__Host-swiftor_ticket=[^;]+; Path=\/; HttpOnly; SameSite=Lax; Expires=[^;]+; Secure$/,
    );
    const pair = headers['set-cookie']?.[0]?.split(';')[0] ?? '';
    expect((await visit(secure.port, link.host, '/', { cookie: pair })).status).toBe(503);
    expect((await visit(secure.port, link.host, '/', { cookie: pair.replace('__Host-', '') })).status).toBe(404);
  });
});

describe("a VM's own address", () => {
  it('opens by ticket while the VM is off, and answers everyone else as if there were no VM', async () => {
    const id = await createVm(gateway, token);
    const own = await openVm(gateway, token, id);
    expect((await own.visit()).status).toBe(503);
    const none = await visit(gateway.port, NOWHERE);
    const strangers: Record<string, string>[] = [
      {},
      { cookie: own.cookie.replace(/.$/, '_') },
      { cookie: own.cookie, 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'no-cors' },
      { cookie: own.cookie, origin: 'http://elsewhere.localhost' },
    ];
    for (const headers of strangers) {
      const { headers: sent, ...answer } = await visit(gateway.port, own.host, '/', headers);
      expect([answer.status, answer.body]).toEqual([none.status, none.body]);
      expect(Object.keys(sent)).toEqual(Object.keys(none.headers));
    }
    for (const path of ['/.swiftor/', '/.swiftor/nothing']) expect((await own.visit(path)).body).toBe('not here');
  });

  it('refuses a WebSocket without a ticket', async () => {
    const own = await openVm(gateway, token, await createVm(gateway, token));
    const answerTo = async (headers: Record<string, string>) => {
      const ws = new WebSocket(`ws://127.0.0.1:${gateway.port}/`, { headers: { host: own.host, ...headers } });
      const [error] = (await once(ws, 'error')) as [Error];
      return error.message;
    };
    expect(await answerTo({})).toContain('404');
    expect(await answerTo({ cookie: own.cookie })).toContain('503');
    expect(await answerTo({ cookie: own.cookie, origin: 'http://evil.localhost' })).toContain('404');
  });

  it('closes when the token that opened it expires, and with the VM', async () => {
    const short = await gateway.token('alice', { ttlSeconds: 3 });
    const id = await createVm(gateway, token);
    const [brief, long] = [await openVm(gateway, short, id), await openVm(gateway, token, id)];
    expect((await brief.visit()).status).toBe(503);
    await eventually(async () => (await brief.visit()).status === 404);
    expect((await long.visit()).status).toBe(503);
    const asPage = { accept: 'text/html' };
    expect(await brief.visit('/', asPage)).toMatchObject({
      status: 403,
      body: expect.stringContaining('<title>Your access has ended</title>'),
    });
    await gateway.rest(token, 'DELETE', `/vms/delete/${id}`);
    await eventually(async () => (await long.visit()).status === 404);
    const strangers = [{}, { cookie: brief.cookie.replace(/.$/, '_') }, { cookie: `x${brief.cookie}` }];
    const none = await visit(gateway.port, NOWHERE, '/', asPage);
    for (const headers of strangers) {
      const { status, body } = await visit(gateway.port, brief.host, '/', { ...asPage, ...headers });
      expect([status, body]).toEqual([404, none.body]);
    }
    expect((await brief.visit('/', asPage)).status).toBe(403);
  });

  it('closes even for a kept connection that repeats the same request', async () => {
    const own = await openVm(gateway, await gateway.token('alice', { ttlSeconds: 3 }), await createVm(gateway, token));
    const socket = connect(gateway.port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    const seen: string[] = [];
    socket.on('data', (chunk: Buffer) => seen.push(chunk.toString('latin1').slice(0, 'HTTP/1.1 200'.length)));
    const ask = () => socket.write(`GET /a.css HTTP/1.1\r\nHost: ${own.host}\r\nCookie: ${own.cookie}\r\n\r\n`);
    ask();
    await eventually(() => {
      const last = seen.at(-1);
      if (last === undefined) return false;
      seen.length = 0;
      return ask() && last === 'HTTP/1.1 404';
    });
    expect(socket.destroyed).toBe(false);
  });
});

describe('a connection that was opened by a ticket', () => {
  it('ends with the ticket, stream or WebSocket, while public connections continue', async () => {
    const app = createServer((_req, res) => void res.write('first'));
    new WebSocketServer({ server: app }).on('connection', (ws) => ws.on('error', () => undefined));
    const port = await listen(app);
    const until = Date.now() + 1_000;
    const { port: entry } = await proxyGateway((_vmId, name) => {
      const resolution = upstream(port);
      const ticket = testTicket(until);
      return resolution.kind === 'upstream' && name === undefined ? { ...resolution, ticket } : resolution;
    });
    const open = async (host: string) => {
      const ws = new WebSocket(`ws://127.0.0.1:${entry}/`, { headers: { host } });
      ws.on('error', () => undefined);
      onTestFinished(() => ws.terminate());
      await once(ws, 'open');
      return ws;
    };
    const [ws, free, stream] = [await open(HOST), await open(`web-${HOST}`), await call(entry)];
    const cut = expect(read(stream)).rejects.toMatchObject({ code: 'ECONNRESET' });
    await once(ws, 'close');
    await cut;
    expect(Date.now()).toBeGreaterThanOrEqual(until);
    expect(Date.now()).toBeLessThan(until + 3_000);
    expect(free.readyState).toBe(WebSocket.OPEN);
  });

  it('counts against the limit of WebSockets per ticket until it is closed', async () => {
    const app = createServer();
    new WebSocketServer({ server: app }).on('connection', (ws) => ws.on('error', () => undefined));
    const port = await listen(app);
    const ticket = testTicket();
    const { port: entry } = await proxyGateway(
      () => ({ ...upstream(port), ticket, holder: ticket }) as ReturnType<typeof upstream>,
    );
    const tryOpen = async (): Promise<WebSocket | string> => {
      const ws = new WebSocket(`ws://127.0.0.1:${entry}/`, { headers: { host: HOST } });
      onTestFinished(() => ws.terminate());
      const outcome = Promise.withResolvers<WebSocket | string>();
      ws.once('open', () => outcome.resolve(ws)).on('error', (error) => outcome.resolve(error.message));
      return outcome.promise;
    };
    const opened = await Promise.all(Array.from({ length: 128 }, tryOpen));
    expect(opened.filter((each) => typeof each === 'string')).toEqual([]);
    expect(await tryOpen()).toContain('429');
    expect((await fetchText(entry, { method: 'OPTIONS', headers: { Host: 'evil.test' } })).status).toBe(404);
    const [first] = opened;
    if (typeof first === 'object') first.terminate();
    await eventually(async () => typeof (await tryOpen()) === 'object');
  }, 20_000);
});
