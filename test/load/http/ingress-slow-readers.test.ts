import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, createServer as createRawServer, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { app, gateway, HOST, listen, upstream } from '../../support/ingress/ingress.ts';

const MB = 2 ** 20;
const BLOCK = Buffer.alloc(64 * 1024, 'x');
const STALL_MS = 1_500;
const CLIENTS = 10;

const areOpen = (sockets: ReadonlySet<Socket>): number => [...sockets].filter(({ closed }) => !closed).length;

/** Sends without end, as fast as it is taken. */
function pour(res: ServerResponse | Socket): void {
  const write = (): void => {
    while (!res.destroyed && res.write(BLOCK));
  };
  res.on('drain', write);
  write();
}

/** A client that sends `request` and reads nothing until `read` is called. */
async function silentClient(port: number, request: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => undefined).pause();
  await once(socket, 'connect');
  socket.write(request);
  return socket;
}

const GET = `GET / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`;
const UPGRADE = `GET / HTTP/1.1\r\nHost: ${HOST}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${'A'.repeat(22)}==\r\n\r\n`;

/** An app whose answers and WebSockets never end. `seen`: the sockets from the gateway. */
async function endlessApp(): Promise<{ port: number; seen: Set<Socket> }> {
  const seen = new Set<Socket>();
  const server = createServer((_req, res) => pour(res));
  server.on('connection', (socket) => seen.add(socket));
  server.on('upgrade', (req, socket: Socket) => {
    const key = `${req.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
    const accept = createHash('sha1').update(key).digest('base64');
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    pour(socket);
  });
  return { port: await listen(server), seen };
}

describe('a client that takes nothing', () => {
  it.each([
    ['an answer', GET],
    ['a WebSocket', UPGRADE],
  ])('of %s is cut, with its connection to the app', async (_what, request) => {
    const { port, seen } = await endlessApp();
    const entry = await gateway(() => upstream(port), { unsent: { stallMs: STALL_MS, checkEveryMs: 100 } });
    await Promise.all(Array.from({ length: CLIENTS }, () => silentClient(entry.port, request)));
    await eventually(() => seen.size === CLIENTS && areOpen(seen) === 0, { deadline: 20_000 });
  });

  it('of an answer that the app has finished is cut, too', async () => {
    const small = await app((_req, res) => res.end(Buffer.alloc(16 * MB)));
    const entry = await gateway(() => upstream(small), { unsent: { stallMs: STALL_MS, checkEveryMs: 100 } });
    const sockets = new Set<Socket>();
    entry.server.on('connection', (socket) => sockets.add(socket));
    await silentClient(entry.port, GET);
    await eventually(() => sockets.size === 1 && areOpen(sockets) === 0);
  });

  it('does not end one that reads slowly, nor a stream that is silent', async () => {
    const { port } = await endlessApp();
    const silent = await app((_req, res) => void res.write('first'));
    const host = `web-${HOST}`;
    const entry = await gateway((_vm, name) => upstream(name === undefined ? port : silent), {
      unsent: { stallMs: STALL_MS, checkEveryMs: 100 },
    });
    const reader = await silentClient(entry.port, GET);
    const listener = await silentClient(entry.port, GET.replace(HOST, host));
    listener.resume();
    const begun = performance.now();
    await eventually(() => {
      reader.read(MB);
      return performance.now() - begun > 3 * STALL_MS;
    });
    expect([reader.closed, listener.closed]).toEqual([false, false]);
  });
});

describe('an app that takes nothing of a body', () => {
  it('does not hold it for ever: the request becomes 502', async () => {
    const deaf = await listen(createRawServer({ pauseOnConnect: true }));
    const entry = await gateway(() => upstream(deaf), { unsent: { stallMs: STALL_MS, checkEveryMs: 100 } });
    const client = await silentClient(
      entry.port,
      `POST / HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: ${64 * MB}\r\n\r\n`,
    );
    for (let sent = 0; sent < 64; sent += 1) client.write(Buffer.alloc(MB));
    client.resume();
    const [answer] = (await once(client, 'data')) as [Buffer];
    expect(answer.toString('latin1')).toMatch(/^HTTP\/1.1 502 /);
  });
});

describe('the bytes that wait', () => {
  const bounds = { stallMs: 60_000, checkEveryMs: 100 };
  const addressOf = (req: IncomingMessage) => String(req.headers['x-from']);

  it.each([
    ['network', { ...bounds, bytesPerNetwork: 5 * 64 * 1024 }, () => '10.0.0.1'],
    ['VM', { ...bounds, bytesPerVm: 5 * 64 * 1024 }, (n: number) => `10.0.0.${n}`],
  ])('for one %s are bounded, and others go on', async (_what, unsent, from) => {
    const { port, seen } = await endlessApp();
    const entry = await gateway(() => upstream(port), { unsent, addressOf });
    const reader = await silentClient(entry.port, GET.replace('\r\n\r\n', '\r\nX-From: 10.9.9.9\r\n\r\n'));
    let read = 0;
    reader.on('data', (chunk: Buffer) => void (read += chunk.length)).resume();
    await Promise.all(
      Array.from({ length: CLIENTS }, (_, n) =>
        silentClient(entry.port, GET.replace('\r\n\r\n', `\r\nX-From: ${from(n)}\r\n\r\n`)),
      ),
    );
    await eventually(() => seen.size === CLIENTS + 1 && areOpen(seen) <= CLIENTS / 2 + 1, { deadline: 20_000 });
    const before = read;
    await eventually(() => read > before + MB);
  });
});
