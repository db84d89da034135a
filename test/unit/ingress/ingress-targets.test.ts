import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { createServer as createRawServer, type Socket } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import type { Dial } from '../../../src/ingress/proxy/app-pools.ts';
import type { Resolution } from '../../../src/ingress/routing/resolution.ts';
import { dialTcp } from '../../../src/lib/dial-tcp.ts';
import {
  app,
  BASE,
  before,
  call,
  fetchText,
  gateway,
  HOST,
  listen,
  raw,
  read,
  upstream,
  VM,
} from '../../support/ingress/ingress.ts';
import { selfSigned } from '../../support/self-signed.ts';

const MB = 1024 * 1024;
const WAIT = { timeout: 5_000, interval: 10 };

describe('a resolution', () => {
  const answerTo = async (port: number, host: string) =>
    (await raw(port, `GET / HTTP/1.1\r\nHost: ${host}\r\nX-Request-Id: mine\r\nConnection: close\r\n\r\n`)).replace(
      /\r\nDate: [^\r]*/,
      '',
    );

  it('as not found or denied, and a foreign host, get the same bytes', async () => {
    const { port } = await gateway((_vmId, name) =>
      Promise.resolve({ kind: name === 'secret' ? 'denied' : 'not-found' }),
    );
    const answers = [];
    for (const host of [HOST, `secret-${HOST}`, 'evil.test', `user@${HOST}`, BASE])
      answers.push(await answerTo(port, host));
    expect(answers[0]).toMatch(
      /^HTTP\/1.1 404 Not Found\r\nContent-Type: text\/plain; charset=utf-8\r\n.*\r\n\r\nnot here$/s,
    );
    expect(new Set(answers).size).toBe(1);
  });

  it('as unavailable becomes 503 with Retry-After', async () => {
    const { port } = await gateway(() =>
      Promise.resolve({ kind: 'unavailable', retryAfterSeconds: 1.2, message: 'The VM is booting: 40 %.' }),
    );
    const { status, headers, text } = await fetchText(port);
    expect([status, headers['retry-after'], headers['content-type'], text]).toEqual([
      503,
      '2',
      'text/plain; charset=utf-8',
      'The VM is booting: 40 %.',
    ]);
  });

  it('that rejects becomes 503 and is logged once, with the VM and without headers', async () => {
    const { port, logged } = await gateway(() => Promise.reject(new Error('database away')));
    const { status, headers } = await fetchText(port, {
      headers: { Host: HOST, Cookie: 'swiftor_a=hidden', Authorization: 'Bearer hidden' },
    });
    expect([status, headers['retry-after']]).toEqual([503, '2']);
    expect(logged.length).toBe(1);
    expect(logged[0]).toContain(VM);
    expect(logged[0]).toContain('database away');
    expect(logged[0]).not.toContain('hidden');
  });

  it('that completes after the client has left opens no connection to the app', async () => {
    const connections: Socket[] = [];
    const server = createServer();
    server.on('connection', (socket: Socket) => connections.push(socket));
    const port = await listen(server);
    const asked = Promise.withResolvers<void>();
    const decision = Promise.withResolvers<Resolution>();
    const { port: entry, server: gatewayServer } = await gateway(() => {
      asked.resolve();
      return decision.promise;
    });
    const left = new Promise((done) =>
      gatewayServer.once('connection', (socket: Socket) => socket.once('close', done)),
    );
    const req = request({ host: '127.0.0.1', port: entry, headers: { Host: HOST } }).on('error', () => undefined);
    req.end();
    await asked.promise;
    req.destroy();
    await left;
    decision.resolve(upstream(port));
    expect((await answerTo(entry, BASE)).length).toBeGreaterThan(0);
    expect(connections).toEqual([]);
  });
});

describe('kept-alive sockets', () => {
  /** An app that names its connection in each answer and does with the second request on one what it is told. */
  const counting = (onReuse: (socket: Socket, request: string) => void) => {
    const seen: string[] = [];
    let connections = 0;
    const server = createRawServer((socket) => {
      const id = (connections += 1);
      let requests = 0;
      socket.on('data', (data: Buffer) => {
        seen.push(`${id} ${data.toString().split(' ', 1)[0]}`);
        requests += 1;
        if (requests === 1) socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n${id}`);
        else onReuse(socket, data.toString());
      });
    });
    return { server, seen };
  };

  it('are reused, and a request is retried once if its socket is reset', async () => {
    const { server, seen } = counting((socket) => socket.resetAndDestroy());
    const port = await listen(server);
    const { port: entry } = await gateway(() => Promise.resolve(upstream(port)));
    expect((await fetchText(entry)).text).toBe('1');
    expect((await fetchText(entry)).text).toBe('2');
    expect(seen).toEqual(['1 GET', '1 GET', '2 GET']);
  });

  it('are not used for requests that must not be sent twice', async () => {
    const { server, seen } = counting((socket) => socket.resetAndDestroy());
    const port = await listen(server);
    const { port: entry } = await gateway(() => Promise.resolve(upstream(port)));
    await fetchText(entry);
    expect((await fetchText(entry, { method: 'POST' })).text).toBe('2');
    expect((await fetchText(entry, { method: 'PUT', body: Buffer.from('x') })).text).toBe('3');
    expect(seen.map((line) => line.split(' ')[0])).toEqual(['1', '2', '3']);
  });

  it('that break after a byte of the response are not retried', async () => {
    const { server, seen } = counting((socket) => socket.end('HTTP/1.1 2'));
    const port = await listen(server);
    const { port: entry } = await gateway(() => Promise.resolve(upstream(port)));
    await fetchText(entry);
    expect((await fetchText(entry)).status).toBe(502);
    expect(seen).toEqual(['1 GET', '1 GET']);
  });

  it('of one container never carry a request for another at the same address', async () => {
    const port = await app((req, res) => res.end(String(req.socket.remotePort)));
    let ref = 'a';
    let { signal } = new AbortController();
    const { port: entry } = await gateway(() => Promise.resolve(upstream(port, { ref, signal })));
    const first = (await fetchText(entry)).text;
    expect((await fetchText(entry)).text).toBe(first);
    ref = 'b';
    const second = (await fetchText(entry)).text;
    expect(second).not.toBe(first);
    ({ signal } = new AbortController());
    expect([first, second]).not.toContain((await fetchText(entry)).text);
  });
});

describe('when the target stops being valid', () => {
  it('its streams, pending requests and kept sockets end within a second, and others continue', async () => {
    const open = new Set<Socket>();
    const urls: (string | undefined)[] = [];
    const server = createServer((req, res) => {
      urls.push(req.url);
      if (req.url === '/quick') setImmediate(() => res.end('ok'));
      if (req.url === '/stream') res.write('first');
    });
    server.on('connection', (socket: Socket) => open.add(socket.once('close', () => open.delete(socket))));
    const port = await listen(server);
    const stopped = new AbortController();
    const { port: entry } = await gateway((_vmId, name) =>
      Promise.resolve(upstream(port, name === 'other' ? { ref: 'other' } : { signal: stopped.signal })),
    );
    const stream = await call(entry, { path: '/stream' });
    const other = await call(entry, { path: '/stream', headers: { Host: `other-${HOST}` } });
    await Promise.all([once(stream, 'data'), once(other, 'data')]);
    await Promise.all([fetchText(entry, { path: '/quick' }), fetchText(entry, { path: '/quick' })]);
    const waiting = fetchText(entry, { path: '/waits' });
    await vi.waitUntil(() => urls.includes('/waits'), WAIT);
    expect(open.size).toBe(4);

    const at = performance.now();
    stopped.abort();
    await expect(read(stream)).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(await waiting).toMatchObject({ status: 502, text: 'The app was stopped.' });
    await vi.waitUntil(() => open.size === 1, { timeout: 1_000, interval: 10 });
    expect(performance.now() - at).toBeLessThan(1_000);
    expect(other.destroyed).toBe(false);
    expect((await fetchText(entry, { path: '/quick' })).status).toBe(503);
    // It waited on a kept socket, but the end of that was no reason to try again.
    expect((await fetchText(entry, { path: '/quick', headers: { Host: `other-${HOST}` } })).status).toBe(200);
    expect(urls.filter((url) => url === '/waits').length).toBe(1);
  });

  it('closing the ingress ends all, and answers 503 from then on', async () => {
    const { port, ingress } = await before((_req, res) => res.write('first'));
    const stream = await call(port);
    await once(stream, 'data');
    ingress.close();
    await expect(read(stream)).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect((await fetchText(port)).status).toBe(503);
  });
});

describe('an https app with a self-signed certificate', () => {
  it('is reached without verification of its certificate, over HTTP and WebSocket', async () => {
    const ports = new Set<number | undefined>();
    const server = createSecureServer(await selfSigned(), (req, res) => {
      ports.add(req.socket.remotePort);
      req.pipe(res);
    });
    new WebSocketServer({ server }).on('connection', (ws) => ws.on('message', (data) => ws.send(data)));
    const port = await listen(server);
    const { port: entry } = await gateway(() => Promise.resolve(upstream(port, { scheme: 'https' })));
    const body = randomBytes(MB);
    expect((await fetchText(entry, { method: 'POST', body })).text).toBe(body.toString('latin1'));
    expect((await fetchText(entry)).status).toBe(200);
    expect((await fetchText(entry)).status).toBe(200);
    expect(ports.size).toBe(2);
    const ws = new WebSocket(`ws://127.0.0.1:${entry}/`, { headers: { Host: HOST } });
    await once(ws, 'open');
    ws.send('hello');
    const [data] = (await once(ws, 'message')) as [Buffer];
    expect(data.toString()).toBe('hello');
    ws.terminate();
  });
});

it('connections to apps are opened by the dial of the ingress, and one that throws is a 502', async () => {
  const port = await app((_req, res) => res.end('through the line'));
  const dialed: string[] = [];
  const dial: Dial = ({ node, host, port: wanted }) => {
    dialed.push(`${host}:${wanted}@${node}`);
    if (node === 'gone') throw new Error('There is no such node.');
    return dialTcp({ host: '127.0.0.1', port });
  };
  const { port: reached } = await gateway(() => upstream(3000, { host: '172.19.0.2', node: 'n1' }), { dial });
  expect(await fetchText(reached)).toMatchObject({ status: 200, text: 'through the line' });
  expect(dialed).toEqual(['172.19.0.2:3000@n1']);
  const { port: lost } = await gateway(() => upstream(3000, { host: '172.19.0.2', node: 'gone' }), { dial });
  expect(await fetchText(lost)).toMatchObject({ status: 502 });
});
