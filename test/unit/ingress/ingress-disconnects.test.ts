import { once } from 'node:events';
import { request, type ServerResponse } from 'node:http';
import { connect, createServer as createRawServer } from 'node:net';
import { Readable } from 'node:stream';
import { describe, expect, it, vi } from 'vitest';
import {
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

const MB = 1024 * 1024;
const WAIT = { timeout: 5_000, interval: 10 };

describe('when one side disconnects', () => {
  it('a client that leaves before the answer aborts its request', async () => {
    const gone = Promise.withResolvers<void>();
    const arrived = Promise.withResolvers<void>();
    const { port } = await before((_req, res) => {
      res.once('close', gone.resolve);
      arrived.resolve();
    });
    const req = request({ host: '127.0.0.1', port, headers: { Host: HOST } }).on('error', () => undefined);
    req.end();
    await arrived.promise;
    req.destroy();
    await gone.promise;
  });

  it('a client that leaves during an upload or a download is seen by the app', async () => {
    const uploads = Promise.withResolvers<Error>();
    const downloads = Promise.withResolvers<void>();
    const { port } = await before((req, res) => {
      if (req.method === 'POST') return void req.once('error', uploads.resolve).resume();
      res.once('close', downloads.resolve);
      Readable.from(
        (function* () {
          for (;;) yield Buffer.alloc(MB / 4);
        })(),
      ).pipe(res);
    });
    const socket = connect(port, '127.0.0.1');
    socket.end(`POST / HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: 100\r\n\r\nabc`);
    expect(await uploads.promise).toMatchObject({ code: 'ECONNRESET' });
    const res = await call(port);
    await once(res, 'data');
    res.destroy();
    await downloads.promise;
  });

  it('a client that leaves aborts the requests that it has pipelined', async () => {
    const opened = new Set<ServerResponse>();
    const { port } = await before((_req, res) => {
      opened.add(res);
      res.once('close', () => opened.delete(res)).write('x');
    });
    const socket = connect(port, '127.0.0.1');
    socket.write(`GET / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`.repeat(12));
    await vi.waitUntil(() => opened.size === 12, WAIT);
    socket.destroy();
    await vi.waitUntil(() => opened.size === 0, WAIT);
  });

  it('an app that dies during its response cuts the client off', async () => {
    const { port } = await before((req, res) => {
      res.writeHead(200, req.url === '/length' ? { 'Content-Length': '100' } : {});
      res.write('half', () => res.destroy());
    });
    for (const path of ['/length', '/chunked']) {
      const res = await call(port, { path });
      await expect(read(res)).rejects.toMatchObject({ code: 'ECONNRESET' });
      expect(res.complete).toBe(false);
    }
  });

  it('an app that gives no usable answer becomes 502', async () => {
    const port = await listen(
      createRawServer((socket) => {
        socket.once('data', (data: Buffer) => {
          const answers: Record<string, string> = {
            '/closes': '',
            '/garbage': 'SSH-2.0-OpenSSH\r\n',
            '/half': 'HTTP/1.1 200 O',
            '/unasked': 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n',
            '/status': 'HTTP/1.1 010 Low\r\nContent-Length: 0\r\n\r\n',
            '/reason': 'HTTP/1.1 200 a\x01b\r\nContent-Length: 0\r\n\r\n',
            '/huge': `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`,
            '/two-lengths': 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
            '/length-and-chunks': 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
            '/no-number': 'HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\na',
            '/space': 'HTTP/1.1 200 OK\r\nContent-Length : 1\r\n\r\na',
          };
          socket.end(answers[data.toString().split(' ')[1] ?? ''] ?? '', 'latin1');
        });
      }),
    );
    const { port: entry, logged } = await gateway(() => Promise.resolve(upstream(port)));
    const framings = ['/two-lengths', '/length-and-chunks', '/no-number', '/space'];
    for (const path of ['/closes', '/garbage', '/half', '/unasked', '/status', '/reason', '/huge', ...framings]) {
      for (const method of ['GET', 'POST']) {
        const { status, headers } = await fetchText(entry, {
          path,
          method,
          headers: { Host: HOST, Cookie: 'a=hidden' },
        });
        expect([path, status, headers['content-type']]).toEqual([path, 502, 'text/plain; charset=utf-8']);
      }
    }
    expect(logged.join('')).toContain(VM);
    expect(logged.join('')).not.toContain('hidden');
  });

  it('an answer with a broken chunk cuts the client off', async () => {
    const port = await listen(
      createRawServer((socket) => {
        socket.once('data', () =>
          socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\nzz\r\nb\r\n0\r\n\r\n'),
        );
      }),
    );
    const { port: entry } = await gateway(() => Promise.resolve(upstream(port)));
    await expect(fetchText(entry)).rejects.toMatchObject({ code: 'ECONNRESET' });
  });

  it('informational responses of the app are dropped, and the final one is forwarded', async () => {
    const port = await listen(
      createRawServer((socket) => {
        socket.once('data', () =>
          socket.end(
            'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'.repeat(3) +
              'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
          ),
        );
      }),
    );
    const { port: entry } = await gateway(() => Promise.resolve(upstream(port)));
    const answer = await raw(entry, `GET / HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1.1 200 OK\r\n.*\r\n\r\nok$/s);
  });

  it('a refused connection becomes 502, also during a large upload', async () => {
    const closed = createRawServer();
    const port = await listen(closed);
    await new Promise((done) => closed.close(done));
    const { port: entry } = await gateway(() => Promise.resolve(upstream(port)));
    expect((await fetchText(entry)).status).toBe(502);
    expect((await fetchText(entry, { method: 'POST', body: Buffer.alloc(8 * MB) })).status).toBe(502);
  });
});
