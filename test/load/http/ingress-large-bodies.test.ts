import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { connect, createServer as createRawServer, type Socket } from 'node:net';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { before, call, fetchText, gateway, HOST, listen, raw, read, upstream } from '../../support/ingress/ingress.ts';

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
