import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, createServer as createRawServer, type Socket } from 'node:net';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
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

/** Resolves with what a stream got out until it stands still because nobody reads. */
async function standstill(written: () => number): Promise<number> {
  let last = -1;
  let since = performance.now();
  await vi.waitUntil(
    () => {
      if (written() !== last) [last, since] = [written(), performance.now()];
      return performance.now() - since > 400;
    },
    { timeout: 10_000, interval: 20 },
  );
  return last;
}

describe('large bodies', () => {
  const hash = (data: Buffer) => createHash('sha256').update(data).digest('hex');

  it('arrive complete in both directions, with and without a length', async () => {
    const { port } = await before((req, res) => {
      const { 'content-length': length } = req.headers;
      res.writeHead(200, length === undefined ? {} : { 'Content-Length': length });
      req.pipe(res);
    });
    const data = randomBytes(8 * MB);
    for (const headers of [{ Host: HOST, 'Content-Length': String(data.length) }, { Host: HOST }]) {
      const { text } = await fetchText(port, {
        method: 'PUT',
        headers,
        body: Readable.from([data.subarray(0, MB), data.subarray(MB)]),
      });
      expect(hash(Buffer.from(text, 'latin1'))).toBe(hash(data));
    }
  });

  it('of a request that cannot be forwarded is discarded, and the connection serves the next request', async () => {
    const { port, logged } = await before((_req, res) => res.end('next answer'));
    const refused = `OPTIONS * HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: ${MB}\r\n\r\n${'x'.repeat(MB)}`;
    const answers = await raw(port, `${refused}GET / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`, 'next answer');
    expect(answers).toMatch(/^HTTP\/1.1 400 Bad Request\r\n.*cannot be forwarded.*HTTP\/1.1 200 OK.*next answer/s);
    expect(logged.join('\n')).toContain('INVALID_REQUEST');
  });

  it('of many concurrent answers to slow clients are not mixed', async () => {
    const bodyOf = (letter: string) => Buffer.alloc(8 * MB, letter);
    const letters = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
    const { port } = await before((req, res) => res.end(bodyOf(req.url?.slice(1) ?? '')));
    const answers = await Promise.all(letters.map((letter) => call(port, { path: `/${letter}` })));
    for (const answer of answers) await vi.waitUntil(() => answer.readableLength > 0, WAIT);
    const bodies = await Promise.all(answers.map(read));
    for (const [at, letter] of letters.entries()) {
      expect(hash(Buffer.from(bodies[at] ?? '', 'latin1')), letter).toBe(hash(bodyOf(letter)));
    }
  });

  it('wait in the app when the client reads slowly', async () => {
    let written = 0;
    const total = 128 * MB;
    const chunk = Buffer.alloc(MB / 4, 'x');
    const { port, server } = await before((_req, res) => {
      const endless = Readable.from(
        (function* () {
          for (; written < total; written += chunk.length) yield chunk;
        })(),
        { highWaterMark: 1 },
      );
      endless.pipe(res);
    });
    const relayed = once(server, 'connection') as Promise<[Socket]>;
    const res = await call(port);
    // Most of it lies in the kernel's buffers of four sockets; the gateway itself holds next to nothing.
    expect(await standstill(() => written)).toBeLessThan(24 * MB);
    expect((await relayed)[0].writableLength).toBeLessThan(MB);
    let got = 0;
    await pipeline(
      res,
      new Writable({
        write(data: Buffer, _encoding, done) {
          got += data.length;
          done();
        },
      }),
    );
    expect(got).toBe(total);
  });

  it('wait in the client when the app reads slowly', async () => {
    const waiting = Promise.withResolvers<IncomingMessage>();
    const { port } = await before((req, res) => {
      waiting.resolve(req);
      req.once('end', () => res.end('got it'));
    });
    let written = 0;
    const total = 64 * MB;
    const chunk = Buffer.alloc(MB / 4, 'x');
    const body = Readable.from(
      (function* () {
        for (; written < total; written += chunk.length) yield chunk;
      })(),
      { highWaterMark: 1 },
    );
    const answer = fetchText(port, { method: 'POST', body });
    const req = await waiting.promise;
    expect(await standstill(() => written)).toBeLessThan(24 * MB);
    req.resume();
    expect((await answer).text).toBe('got it');
    expect(written).toBe(total);
  });

  it('refused early by the app leave the answer readable and the connection usable', async () => {
    const stubborn = createRawServer((app) => {
      app.once('data', (data: Buffer) => {
        const post = data.toString('latin1').startsWith('POST');
        app.write(
          post
            ? 'HTTP/1.1 413 No\r\nContent-Length: 9\r\n\r\ntoo large'
            : 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nstill here',
        );
        // And reads no further.
        app.pause();
      });
    });
    const appPort = await listen(stubborn);
    const { port } = await gateway(() => Promise.resolve(upstream(appPort)));
    const socket = connect(port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    let text = '';
    socket.on('data', (data: Buffer) => (text += data.toString()));
    socket.write(`POST / HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: ${48 * MB}\r\n\r\n`);
    // More than the kernel would take for an app that does not read.
    socket.write(Buffer.alloc(48 * MB));
    socket.write(`GET / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
    await vi.waitUntil(() => text.includes('still here'), WAIT);
    expect(text).toMatch(/^HTTP\/1.1 413 .*too large.*HTTP\/1.1 200 .*still here/s);
  });
});

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
