import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { connect, createServer as createRawServer, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import type { Resolution } from '../../../src/ingress/routing/resolution.ts';
import { BASE, before, call, fetchText, gateway, HOST, listen, raw, upstream } from '../../support/ingress/ingress.ts';
import { testTicket } from '../../support/ingress/ticket.ts';

const MB = 1024 * 1024;
const WAIT = { timeout: 5_000, interval: 10 };

describe('a WebSocket', () => {
  async function echo(more: (ws: WebSocket, req: IncomingMessage) => void = () => undefined) {
    const sockets = new Set<WebSocket>();
    const server = createServer((_req, res) => res.end('plain'));
    const wss = new WebSocketServer({ server, maxPayload: MB });
    wss.on('connection', (ws, req) => {
      sockets.add(ws.once('close', () => sockets.delete(ws)).on('error', () => undefined));
      ws.on('message', (data, isBinary) => ws.send(data, { binary: isBinary }));
      more(ws, req);
    });
    return { port: await listen(server), sockets };
  }

  const open = async (port: number, headers: Record<string, string> = {}) => {
    const ws = new WebSocket(`ws://127.0.0.1:${port}/ws?x=1`, ['chat'], { headers: { Host: HOST, ...headers } });
    onTestFinished(() => ws.terminate());
    await once(ws, 'open');
    return ws;
  };

  const handshake = (more = '') =>
    `GET /ws HTTP/1.1\r\nHost: ${HOST}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n${more}\r\n`;

  it('finds a place for who holds a ticket, however many visitors there are', async () => {
    const app = await echo();
    const ticket = testTicket();
    const { port } = await gateway((_vm, _name, _path, cookies) => {
      const resolution = upstream(app.port);
      return resolution.kind === 'upstream' && cookies.size > 0 ? { ...resolution, holder: ticket } : resolution;
    });
    const visitors = await Promise.allSettled(Array.from({ length: 100 }, () => open(port)));
    expect(visitors.filter(({ status }) => status === 'fulfilled')).toHaveLength(64);
    await open(port, { Cookie: 'swiftor_ticket=t' });
  });

  it('gives its place back when the app refuses it, or the client leaves before an answer', async () => {
    const silent = createServer();
    silent.on('upgrade', (_req, socket: Socket) => socket.on('error', () => undefined).resume());
    const app = await echo();
    let appPort = await listen(createServer((_req, res) => res.writeHead(401).end('sign in')));
    const { port } = await gateway(() => upstream(appPort));
    const places = 64;
    for (let opened = 0; opened <= places; opened += 1) expect(await raw(port, handshake())).toMatch(/^HTTP\/1.1 401 /);
    appPort = await listen(silent);
    for (let opened = 0; opened < places; opened += 1) {
      const client = connect(port, '127.0.0.1').on('error', () => undefined);
      client.write(handshake());
      await once(silent, 'upgrade');
      client.resetAndDestroy();
    }
    appPort = app.port;
    await vi.waitUntil(() => open(port).catch(() => undefined), WAIT);
  });

  it('carries 300 kB messages both ways, and close codes from either side', async () => {
    const app = await echo((ws, req) => {
      expect([req.url, req.headers.host, req.headers['x-forwarded-for'], req.headers.cookie]).toEqual([
        '/ws?x=1',
        HOST,
        '127.0.0.1',
        'a=1',
      ]);
      ws.on('message', (data: Buffer) => data.toString() === 'close' && ws.close(4001, 'from the app'));
      ws.on('close', (code, reason) => codes.push([code, reason.toString()]));
    });
    const codes: [number, string][] = [];
    const { port } = await gateway(() => Promise.resolve(upstream(app.port)));
    const ws = await open(port, { Cookie: 'a=1; swiftor_t=1', 'X-Forwarded-For': '6.6.6.6' });
    expect(ws.protocol).toBe('chat');
    for (const message of [randomBytes(300_000), randomBytes(300_000)]) {
      ws.send(message);
      const [data] = (await once(ws, 'message')) as [Buffer];
      expect(data.equals(message)).toBe(true);
    }
    ws.send('close');
    await once(ws, 'message');
    const [code, reason] = (await once(ws, 'close')) as [number, Buffer];
    expect([code, reason.toString()]).toEqual([4001, 'from the app']);

    const second = await open(port, { Cookie: 'a=1' });
    second.close(4002, 'from the client');
    await vi.waitUntil(() => codes.length === 2, WAIT);
    expect(codes[1]).toEqual([4002, 'from the client']);
    await vi.waitUntil(() => app.sockets.size === 0, WAIT);
  });

  it('that one side drops is dropped for the other', async () => {
    const app = await echo((ws) => ws.on('message', (data: Buffer) => data.toString() === 'die' && ws.terminate()));
    const { port } = await gateway(() => Promise.resolve(upstream(app.port)));
    const first = await open(port);
    first.terminate();
    await vi.waitUntil(() => app.sockets.size === 0, WAIT);
    const second = await open(port);
    second.send('die');
    const [code] = (await once(second, 'close')) as [number];
    expect(code).toBe(1006);
  });

  it("receives the app's refusal unchanged", async () => {
    const { port } = await before((_req, res) =>
      res
        .writeHead(401, { 'WWW-Authenticate': 'Basic realm="desk"', 'Set-Cookie': ['a=1', 'swiftor_a=1'] })
        .end('sign in'),
    );
    const answer = await raw(port, handshake());
    expect(answer).toMatch(
      /^HTTP\/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm="desk"\r\nSet-Cookie: a=1\r\n.*Connection: close.*sign in/s,
    );
    expect(answer).not.toContain('swiftor_a');
  });

  it('to a dead app, a VM that is not there or one that is booting is answered on the bare socket', async () => {
    const closed = createRawServer();
    const port = await listen(closed);
    await new Promise((done) => closed.close(done));
    const cases: [Resolution | Error, RegExp][] = [
      [upstream(port), /^HTTP\/1.1 502 Bad Gateway\r\n.*\r\n\r\nThe app does not answer\.$/s],
      [{ kind: 'not-found' }, /^HTTP\/1.1 404 Not Found\r\n.*\r\n\r\nnot here$/s],
      [{ kind: 'denied' }, /^HTTP\/1.1 404 Not Found\r\n.*\r\n\r\nnot here$/s],
      [
        { kind: 'unavailable', retryAfterSeconds: 3, message: 'Booting.' },
        /^HTTP\/1.1 503 .*Retry-After: 3\r\n.*Booting\.$/s,
      ],
      [new Error('away'), /^HTTP\/1.1 503 .*Retry-After: 2\r\n/s],
    ];
    for (const [result, expected] of cases) {
      const { port: entry } = await gateway(() =>
        result instanceof Error ? Promise.reject(result) : Promise.resolve(result),
      );
      expect(await raw(entry, handshake())).toMatch(expected);
    }
  });

  it('ends at once on both sides when the target stops being valid', async () => {
    const app = await echo();
    const stopped = new AbortController();
    const { port } = await gateway(() => Promise.resolve(upstream(app.port, { signal: stopped.signal })));
    const ws = await open(port);
    const at = performance.now();
    stopped.abort();
    await once(ws, 'close');
    await vi.waitUntil(() => app.sockets.size === 0, { timeout: 1_000, interval: 10 });
    expect(performance.now() - at).toBeLessThan(1_000);
  });

  it('counts in the load of its target while it is open, like a request', async () => {
    const app = await echo();
    const streaming = await listen(createServer((_req, res) => void res.write('first')));
    const load = { open: 0 };
    const { port } = await gateway((_vmId, name) =>
      Promise.resolve(
        upstream(name === 'other' ? streaming : app.port, { load, ...(name === 'other' && { ref: 'other' }) }),
      ),
    );
    const [ws, stream] = [await open(port), await call(port, { headers: { Host: `other-${HOST}` } })];
    expect(load).toEqual({ open: 2 });
    ws.close();
    await vi.waitUntil(() => load.open === 1, WAIT);
    stream.destroy();
    await vi.waitUntil(() => load.open === 0, WAIT);
    expect((await fetchText(port, { method: 'BREW' })).status).toBeGreaterThanOrEqual(400);
    expect(load).toEqual({ open: 0 });
  });

  it('forwards bytes that either side sends immediately after its headers', async () => {
    const server = createServer();
    server.on('upgrade', (_req, socket: Socket, head: Buffer) => {
      socket.write(
        'HTTP/1.1 101 Go\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-CamelCase: 1\r\nSet-Cookie: swiftor_a=1\r\n\r\nearly from the app;',
      );
      socket.write(head);
      socket.pipe(socket);
    });
    const port = await listen(server);
    const { port: entry } = await gateway(() => Promise.resolve(upstream(port)));
    const answer = await raw(entry, `${handshake()}early from the client`, 'early from the client');
    const expected =
      'HTTP/1.1 101 Switching Protocols\r\nX-CamelCase: 1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nearly from the app;early from the client';
    expect(answer).toBe(expected);
  });

  it('whose client leaves before the app has accepted is dropped for the app', async () => {
    const server = createServer();
    const asked = Promise.withResolvers<Socket>();
    server.on('upgrade', (_req, socket: Socket) => asked.resolve(socket));
    const port = await listen(server);
    const { port: entry } = await gateway(() => Promise.resolve(upstream(port)));
    const client = connect(entry, '127.0.0.1');
    client.write(handshake());
    const app = await asked.promise;
    app.resume();
    client.end();
    await once(app, 'end');
  });

  it('whose client resets during the resolution reaches no app', async () => {
    const decision = Promise.withResolvers<Resolution>();
    const asked = Promise.withResolvers<void>();
    const connections: Socket[] = [];
    const server = createServer();
    server.on('connection', (socket: Socket) => connections.push(socket));
    const port = await listen(server);
    const { port: entry, server: gatewayServer } = await gateway(() => {
      asked.resolve();
      return decision.promise;
    });
    // The tests' own listener for errors would hide that the server has none but Node's, which goes with the upgrade.
    const left = new Promise((done) =>
      gatewayServer.once('connection', (socket: Socket) => {
        const [node, addErrorListeners] = socket.listeners('error') as (() => void)[];
        socket.removeAllListeners('error').once('close', done);
        for (const listener of [node, addErrorListeners]) if (listener !== undefined) socket.on('error', listener);
      }),
    );
    const client = connect(entry, '127.0.0.1');
    client.write(handshake());
    await asked.promise;
    client.resetAndDestroy();
    await left;
    decision.resolve(upstream(port));
    expect(await raw(entry, handshake().replace(HOST, BASE))).toMatch(/^HTTP\/1.1 404 /);
    expect(connections).toEqual([]);
  });

  it('that either side resets is closed for the other', async () => {
    const server = createServer();
    const apps: Socket[] = [];
    server.on('upgrade', (_req, socket: Socket) => {
      apps.push(socket.on('error', () => undefined).resume());
      socket.write('HTTP/1.1 101 Go\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello');
    });
    const port = await listen(server);
    const { port: entry } = await gateway(() => Promise.resolve(upstream(port)));
    const whole = raw(entry, handshake());
    await vi.waitUntil(() => apps.length === 1, WAIT);
    apps[0]?.resetAndDestroy();
    await whole;

    const client = connect(entry, '127.0.0.1');
    client.write(handshake());
    await once(client, 'data');
    client.resetAndDestroy();
    await vi.waitUntil(() => apps[1]?.readableEnded, WAIT);
  });

  it('that is refused with a large response receives all of it', async () => {
    const { port } = await before((_req, res) => res.end(Buffer.alloc(8 * MB, 'x')));
    const answer = await raw(port, handshake());
    expect(answer.length - answer.indexOf('\r\n\r\n') - 4).toBe(8 * MB);
  });

  it('is the only upgrade: h2c is served as a plain request, and an upgrade with a body is refused', async () => {
    const app = await echo();
    for (const everyUpgrade of [false, true]) {
      const { port } = await gateway(() => Promise.resolve(upstream(app.port)), { everyUpgrade });
      const h2c = handshake('HTTP2-Settings: AAMAAABk\r\n')
        .replace('Upgrade: websocket', 'Upgrade: h2c')
        .replace('Connection: ', 'Connection: close, ');
      expect(await raw(port, h2c)).toMatch(/^HTTP\/1.1 200 OK\r\n.*plain/s);
      expect(await raw(port, `${handshake('Content-Length: 3\r\n')}abc`)).toMatch(/^HTTP\/1.1 400 /);
    }
  });
});
