import { createServer as createHttp, type RequestListener } from 'node:http';
import { once } from 'node:events';
import { createServer as createHttps } from 'node:https';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { Worker } from 'node:worker_threads';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocketServer } from 'ws';
import { dialTcp } from '../../../../src/lib/dial-tcp.ts';
import type { AppEndpoint } from '../../../../src/reconciler/answer/app-endpoint.ts';
import { askApp, awaitApp } from '../../../../src/reconciler/answer/ask-app.ts';
import { eventually } from '../../../support/eventually.ts';
import { selfSigned } from '../../../support/self-signed.ts';

const never = (): AbortSignal => new AbortController().signal;

/** The server's endpoint on loopback, and the sockets that it holds. */
async function open(
  server: Server,
  scheme: AppEndpoint['scheme'] = 'http',
): Promise<{ endpoint: AppEndpoint; sockets: Set<Socket> }> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const port = (server.address() as AddressInfo).port;
  return {
    endpoint: {
      host: '127.0.0.1',
      port,
      scheme,
      probe: { path: '/', expect: 'answer' },
      credentials: undefined,
      dial: dialTcp,
    },
    sockets,
  };
}
const openHttp = (listener: RequestListener) => open(createHttp(listener));
const openTcp = (accept: (socket: Socket) => void) => open(createServer(accept));

/** Says the texts one after the other, each in a packet of its own, once it has heard something. */
function saying(...texts: readonly string[]) {
  return (socket: Socket): void => {
    socket.setNoDelay(true).once('data', () => {
      const [text, ...rest] = texts;
      // A pause between packets is what the test is about: without one the kernel would join them.
      const sayRest = (): void => rest.forEach((each, index) => setTimeout(() => socket.write(each), 20 * (index + 1)));
      socket.write(text ?? '', sayRest);
    });
  };
}

describe('an app that is checked once', () => {
  it.each([200, 204, 301, 400, 401, 403, 404, 429])('answers when it says %i', async (status) => {
    const { endpoint } = await openHttp((_request, reply) => reply.writeHead(status).end());
    expect(await askApp(endpoint, 2_000, never())).toBe(true);
  });

  it.each([500, 502, 503, 504])('does not answer yet when the web server in front of it says %i', async (status) => {
    const { endpoint } = await openHttp((_request, reply) => reply.writeHead(status).end('starting'));
    expect(await askApp(endpoint, 2_000, never())).toBe(false);
  });

  it('is requested as by a browser: / at its own address, once, on a connection that ends', async () => {
    const asked: unknown[] = [];
    const { endpoint, sockets } = await openHttp(({ method, url, headers }, reply) => {
      asked.push({ method, url, host: headers.host, connection: headers.connection });
      reply.end('hello');
    });
    await askApp(endpoint, 2_000, never());
    expect(asked).toEqual([{ method: 'GET', url: '/', host: `127.0.0.1:${endpoint.port}`, connection: 'close' }]);
    await eventually(() => sockets.size === 0);
  });

  it('answers with its first bytes, before all have arrived', async () => {
    const { endpoint } = await openHttp((_request, reply) => void reply.writeHead(200).write('endless'));
    expect(await askApp(endpoint, 2_000, never())).toBe(true);
  });

  it.each([
    ['not HTTP', ['SSH-2.0-OpenSSH_9.2\r\n']],
    ['one byte', ['\u0000']],
    ['the first letters of HTTP, and then something else', ['HT', 'ML']],
    ['HTTP in pieces', ['HTTP/1', '.1 ', '200 OK\r\n\r\n']],
  ])('answers when it says %s', async (_what, texts) => {
    const { endpoint } = await openTcp(saying(...texts));
    expect(await askApp(endpoint, 2_000, never())).toBe(true);
  });

  it.each([
    [['HTTP/1.1 ', '503 Service Unavailable\r\n\r\n']],
    [['H', 'TTP/1.0', ' 502 Bad Gateway\r\n\r\n']],
    [['HTTP/1.1 5', '00 Internal Server Error\r\n\r\n']],
  ])('does not answer yet when its 5xx comes in pieces: %j', async (texts) => {
    const { endpoint } = await openTcp(saying(...texts));
    expect(await askApp(endpoint, 2_000, never())).toBe(false);
  });

  it('does not answer when it accepts and stays silent, until the deadline', async () => {
    const { endpoint, sockets } = await openTcp((socket) => socket.resume());
    const begun = performance.now();
    expect(await askApp(endpoint, 200, never())).toBe(false);
    const took = performance.now() - begun;
    expect(took).toBeGreaterThanOrEqual(190);
    expect(took).toBeLessThan(1_500);
    await eventually(() => sockets.size === 0);
  });

  it.each<[string, (socket: Socket) => void]>([
    ['closes at once', (socket) => void socket.end()],
    ['resets at once', (socket) => void socket.resetAndDestroy()],
    ['closes after it was asked', (socket) => void socket.once('data', () => socket.end())],
  ])('does not answer when it %s, which is noticed at once', async (_how, accept) => {
    const { endpoint } = await openTcp(accept);
    const begun = performance.now();
    expect(await askApp(endpoint, 20_000, never())).toBe(false);
    expect(performance.now() - begun).toBeLessThan(5_000);
  });

  it('answers a gateway, too, that is busy with something else for longer than the deadline', async () => {
    // An app in a thread of its own answers meanwhile.
    const app = new Worker(
      `const server = require('node:http').createServer((_request, response) => response.end('ok'));
       const { parentPort } = require('node:worker_threads');
       server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));`,
      { eval: true },
    );
    onTestFinished(() => void app.terminate());
    const [port] = (await once(app, 'message')) as [number];
    const asking = askApp({ ...(await openTcp(() => undefined)).endpoint, port }, 150, never());
    for (const begun = performance.now(); performance.now() - begun < 300;);
    expect(await asking).toBe(true);
  });

  it('does not answer where nothing listens', async () => {
    const server = createServer();
    const { endpoint } = await open(server);
    await new Promise((resolve) => server.close(resolve));
    expect(await askApp(endpoint, 20_000, never())).toBe(false);
  });

  it('is no longer waited for when the signal aborts, before or during the request', async () => {
    const { endpoint, sockets } = await openTcp((socket) => socket.resume());
    expect(await askApp(endpoint, 20_000, AbortSignal.abort())).toBe(false);
    const leaving = new AbortController();
    const asking = askApp(endpoint, 20_000, leaving.signal);
    await eventually(() => sockets.size === 1);
    leaving.abort();
    expect(await asking).toBe(false);
    await eventually(() => sockets.size === 0);
  });
});

/**
 * A web server in front that asks for a sign-in everywhere, and says `behind` for the WebSocket's path to who has
 * signed in.
 */
function openFront(behind: (socket: Duplex) => void) {
  const server = createHttp((_request, reply) =>
    reply.writeHead(401, { 'www-authenticate': 'Basic realm="Login"' }).end(),
  );
  server.on('upgrade', (request, socket) => {
    if (request.headers.authorization !== `Basic ${Buffer.from('abc:pass:wörd').toString('base64')}`) {
      socket.end('HTTP/1.1 401 Unauthorized\r\n\r\n');
    } else if (request.url === '/websocket') behind(socket);
    else socket.end('HTTP/1.1 404 Not Found\r\n\r\n');
  });
  return open(server);
}
const says = (head: string) => (socket: Duplex) => void socket.end(`HTTP/1.1 ${head}\r\n\r\n`);

describe('an app that is checked by its WebSocket', () => {
  const asked = { probe: { path: '/websocket', expect: 'websocket' }, credentials: 'abc:pass:wörd' } as const;

  it.each([
    ['101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket', true],
    ['400 Bad Request', true],
    ['426 Upgrade Required', true],
    ['404 Not Found', false],
    ['502 Bad Gateway', false],
    ['503 Service Unavailable', false],
    ['504 Gateway Timeout', false],
  ])('behind a web server that answers %j is up: %s', async (head, up) => {
    const { endpoint, sockets } = await openFront(says(head));
    expect(await askApp({ ...endpoint, ...asked }, 2_000, never())).toBe(up);
    await eventually(() => sockets.size === 0);
  });

  it('is not up when its web server closes the connection or never answers', async () => {
    const { endpoint: cut } = await openFront((socket) => socket.destroy());
    expect(await askApp({ ...cut, ...asked }, 20_000, never())).toBe(false);
    const { endpoint: silent, sockets } = await openFront(
      (socket) => void socket.resume().on('end', () => socket.end()),
    );
    expect(await askApp({ ...silent, ...asked }, 200, never())).toBe(false);
    await eventually(() => sockets.size === 0);
  });

  it('is not up when its web server asks for a sign-in, though / answers', async () => {
    const { endpoint } = await openFront(says('502 Bad Gateway'));
    expect(await askApp(endpoint, 2_000, never())).toBe(true);
    expect(await askApp({ ...endpoint, ...asked, credentials: undefined }, 2_000, never())).toBe(false);
  });

  it('is up when another password was set inside the container', async () => {
    const { endpoint } = await openFront(says('502 Bad Gateway'));
    expect(await askApp({ ...endpoint, ...asked, credentials: 'abc:other' }, 2_000, never())).toBe(true);
  });

  it('is up when one of several paths answers', async () => {
    const { endpoint } = await openFront(says('426 Upgrade Required'));
    const paths = { path: ['/api/websockets', '/websocket'], expect: 'websocket' } as const;
    expect(await askApp({ ...endpoint, ...asked, probe: { ...paths, path: [...paths.path] } }, 2_000, never())).toBe(
      true,
    );
    expect(
      await askApp(
        { ...endpoint, ...asked, probe: { ...paths, path: ['/api/websockets', '/elsewhere'] } },
        2_000,
        never(),
      ),
    ).toBe(false);
  });

  it('never opens a WebSocket, because servers refuse the version', async () => {
    const server = createHttp();
    const sockets = new WebSocketServer({ server });
    let opened = 0;
    sockets.on('connection', () => (opened += 1));
    onTestFinished(() => sockets.close());
    const { endpoint } = await open(server);
    expect(await askApp({ ...endpoint, ...asked }, 2_000, never())).toBe(true);
    expect(opened).toBe(0);
  });
});

describe('an app that speaks TLS', () => {
  it('answers with a self-signed certificate, and its 503 is a 503', async () => {
    const statuses = [503, 200];
    const { endpoint } = await open(
      createHttps(await selfSigned(), (_request, reply) => reply.writeHead(statuses.shift() ?? 500).end()),
      'https',
    );
    expect(await askApp(endpoint, 5_000, never())).toBe(false);
    expect(await askApp(endpoint, 5_000, never())).toBe(true);
  });

  it('does not answer on a port without TLS, or without a server', async () => {
    const { endpoint: plain } = await openTcp(saying('HTTP/1.1 400 Bad Request\r\n\r\n'));
    expect(await askApp({ ...plain, scheme: 'https' }, 20_000, never())).toBe(false);
    const { endpoint: silent } = await openTcp((socket) => socket.resume());
    expect(await askApp({ ...silent, scheme: 'https' }, 200, never())).toBe(false);
  });
});

describe('an app that is waited for', () => {
  it('answers after 503s, each on a connection of its own', async () => {
    const statuses = [503, 502, 500];
    const ports = new Set<number | undefined>();
    const { endpoint } = await openHttp((request, reply) => {
      ports.add(request.socket.remotePort);
      reply.writeHead(statuses.shift() ?? 200).end();
    });
    expect(await awaitApp(endpoint, 20_000, never())).toBe(true);
    expect(ports.size).toBe(4);
  });

  it('answers once it listens', async () => {
    const server = createServer();
    const { endpoint } = await open(server);
    await new Promise((resolve) => server.close(resolve));
    const waiting = awaitApp(endpoint, 20_000, never());
    const late = createHttp((_request, reply) => reply.end());
    onTestFinished(() => void late.close());
    late.listen(endpoint.port, '127.0.0.1');
    expect(await waiting).toBe(true);
  });

  it('answers after a connection without an answer', async () => {
    let connections = 0;
    const { endpoint } = await openTcp((socket) => {
      connections += 1;
      if (connections > 1) saying('HTTP/1.1 200 OK\r\n\r\n')(socket);
    });
    expect(await awaitApp(endpoint, 20_000, never())).toBe(true);
    expect(connections).toBe(2);
  });

  it('is no longer waited for after the deadline', async () => {
    const { endpoint } = await openHttp((_request, reply) => reply.writeHead(503).end());
    const begun = performance.now();
    expect(await awaitApp(endpoint, 300, never())).toBe(false);
    const took = performance.now() - begun;
    expect(took).toBeGreaterThanOrEqual(290);
    expect(took).toBeLessThan(3_000);
  });

  it('is no longer waited for when the signal aborts', async () => {
    let asked = 0;
    const { endpoint } = await openHttp((_request, reply) => {
      asked += 1;
      reply.writeHead(503).end();
    });
    const leaving = new AbortController();
    const waiting = awaitApp(endpoint, 60_000, leaving.signal);
    await eventually(() => asked > 2);
    leaving.abort();
    const begun = performance.now();
    expect(await waiting).toBe(false);
    expect(performance.now() - begun).toBeLessThan(1_000);
  });
});
