import { execFile } from 'node:child_process';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { connect, createServer as createRawServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { IngressProxy } from '../../src/ingress/proxy/ingress-proxy.ts';
import { matchRequest } from '../../src/ingress/routing/match-request.ts';
import { parseVmHost } from '../../src/ingress/routing/vm-host.ts';
import type { Resolution } from '../../src/ingress/routing/resolution.ts';
import { app, BASE, before, call, fetchText, gateway, HOST, listen, raw, read, upstream, VM } from '../support/ingress.ts';

const MB = 1024 * 1024;
const WAIT = { timeout: 5_000, interval: 10 };

const valuesOf = (headers: readonly string[], name: string) => headers.filter((_, at) => at % 2 === 1 && headers[at - 1] === name);

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

describe('a request', () => {
  it('reaches the app with method, path, Host, header case, duplicates and Authorization as sent', async () => {
    /** The client writes these two first, under names of its own case. */
    const withoutHost = (raw: readonly string[]) =>
      raw.filter((_, at) => !['host', 'connection'].includes((raw[at - (at % 2)] ?? '').toLowerCase()));
    const seen = Promise.withResolvers<IncomingMessage>();
    const { port } = await before((req, res) => {
      seen.resolve(req);
      res.end();
    });
    const headers = [
      'hOsT',
      HOST,
      'X-CamelCase',
      'one',
      'x-camelcase',
      'two',
      'Authorization',
      'Bearer of-the-app',
      'X-Latin',
      'caf\u00e9',
    ];
    await fetchText(port, { method: 'PROPFIND', path: '/a//b%20c?d=/e&f', headers });
    const req = await seen.promise;
    expect([req.method, req.url]).toEqual(['PROPFIND', '/a//b%20c?d=/e&f']);
    expect(req.headers.host).toBe(HOST);
    expect(withoutHost(req.rawHeaders).slice(0, headers.length - 2)).toEqual(headers.slice(2));
  });

  it('without a body is not given a chunked one', async () => {
    const { port } = await before((req, res) => res.end(`${req.headers['content-length']} ${req.headers['transfer-encoding']}`));
    for (const [method, framing] of [
      ['POST', '0 undefined'],
      ['PROPFIND', '0 undefined'],
      ['GET', 'undefined undefined'],
      ['DELETE', 'undefined undefined'],
    ]) {
      const answer = await raw(port, `${method} / HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n\r\n`);
      expect(answer.split('\r\n\r\n')[1], method).toBe(framing);
    }
  });

  it('in the absolute form reaches the app in the origin form', async () => {
    const { port } = await before((req, res) => res.end(req.url));
    const answer = await raw(port, `GET http://${HOST}/a?b HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1.1 200 OK.*\r\n\r\n\/a\?b$/s);
  });

  it('loses hop-by-hop headers and those named in Connection, but never Host or its length', async () => {
    const { port } = await before(
      (req, res) => void req.on('data', () => undefined).on('end', () => res.end(JSON.stringify(req.rawHeaders))),
    );
    const lines = [
      'POST / HTTP/1.1',
      `Host: ${HOST}`,
      'Connection: close, X-Secret, Host, Content-Length',
      'X-Secret: 1',
      'Keep-Alive: timeout=9',
      'TE: trailers',
      'Proxy-Connection: keep-alive',
      'Proxy-Authorization: Basic eA==',
      'Trailer: X-T',
      'Upgrade: h2c',
      'HTTP2-Settings: AAMAAABk',
      'Proxy: http://evil.test',
      'X-Kept: 1',
      'Content-Length: 3',
      '',
      'abc',
    ];
    const answer = await raw(port, lines.join('\r\n'));
    const sent = JSON.parse(/\[.*\]/.exec(answer)?.[0] ?? '') as string[];
    const names = sent.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase());
    expect(names.toSorted()).toEqual([
      'connection',
      'content-length',
      'host',
      'x-forwarded-for',
      'x-forwarded-host',
      'x-forwarded-proto',
      'x-kept',
    ]);
  });

  it("carries the gateway's word on who forwarded it, and none of the client's", async () => {
    const port = await app((req, res) => res.end(JSON.stringify(req.headers)));
    const { port: entry } = await gateway(() => Promise.resolve(upstream(port)), { publicScheme: 'https' });
    const headers = {
      Host: HOST,
      Forwarded: 'for=6.6.6.6',
      'X-Forwarded-For': '6.6.6.6',
      'x-forwarded-proto': 'gopher',
      'X-Forwarded-Host': 'evil.test',
      'X-Forwarded-Port': '1',
      'X-Real-IP': '6.6.6.6',
      X_Forwarded_For: '6.6.6.6',
      'X-Forwarded': 'x',
    };
    const { text } = await fetchText(entry, { headers });
    expect(JSON.parse(text)).toEqual({
      host: HOST,
      connection: 'keep-alive',
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': HOST,
    });
  });

  it('with a chunked body keeps it, whatever the method, and loses its trailers', async () => {
    const { port } = await before((req, res) => {
      void read(req).then((body) => res.end(JSON.stringify({ body, trailers: req.rawTrailers })));
    });
    for (const method of ['POST', 'DELETE', 'GET']) {
      const chunks = '3\r\nabc\r\n2\r\nde\r\n0\r\nX-T: 1\r\n\r\n';
      const answer = await raw(
        port,
        `${method} / HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`,
      );
      expect(answer).toContain('{"body":"abcde","trailers":[]}');
    }
  });

  it('that expects 100-continue gets it and sends its body', async () => {
    const { port } = await before(
      (req, res) => void read(req).then((body) => res.end(`${body} ${req.headers.expect ?? 'no expectation'}`)),
    );
    const socket = connect(port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    socket.write(`POST / HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n`);
    const [first] = (await once(socket, 'data')) as [Buffer];
    expect(first.toString()).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    socket.write('abc');
    expect(await read(socket)).toContain('abc no expectation');
  });

  it('is told apart from the one smuggled behind it', async () => {
    const urls: (string | undefined)[] = [];
    const { port } = await before((req, res) => {
      urls.push(req.url);
      res.end();
    });
    const evil = `GET /evil HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`;
    const bad = [
      `Host: ${HOST}\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${evil}`,
      `Host: ${HOST}\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n${evil}`,
      `Host: ${HOST}\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n${evil}`,
      `Host: ${HOST}\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n${evil}`,
      `Host: ${HOST}\r\nContent-Length: 0\r\nContent-Length: ${evil.length}\r\n\r\n${evil}`,
      `Host: ${HOST}\r\nContent-Length: +0\r\n\r\n${evil}`,
      `Host: ${HOST}\r\nX: a\n\r\n\r\n`,
      `Host: ${HOST}\r\n X: folded\r\nContent Length: 0\r\n\r\n`,
      `Host: ${HOST}\r\nHost: other.${BASE}\r\nConnection: close\r\n\r\n`,
      `Host: ${HOST}\r\nhost: ${HOST}\r\nConnection: close\r\n\r\n`,
      `Connection: close\r\n\r\n`,
    ];
    for (const rest of bad) expect(await raw(port, `POST / HTTP/1.1\r\n${rest}`), rest).toMatch(/^HTTP\/1.1 400 /);
    for (const coding of ['xchunked', 'gzip, chunked', 'chunked, identity']) {
      const answer = await raw(
        port,
        `POST / HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\nTransfer-Encoding: ${coding}\r\n\r\n0\r\n\r\n`,
        '\r\n\r\n',
      );
      expect(answer, coding).toMatch(/^HTTP\/1.1 (400|501) /);
    }
    const mismatch = await raw(port, `GET http://other.${BASE}/ HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n\r\n`);
    expect(mismatch).toMatch(/^HTTP\/1.1 404 /);
    expect(urls).toEqual([]);

    const answer = await raw(
      port,
      `POST /a HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: ${evil.length}\r\nConnection: close\r\n\r\n${evil}`,
    );
    expect(answer).toMatch(/^HTTP\/1.1 200 /);
    expect(urls).toEqual(['/a']);
  });
});

describe('a response', () => {
  it('keeps status, reason, header case and duplicates, and loses hop-by-hop headers', async () => {
    const port = await listen(
      createRawServer((socket) => {
        socket.once('data', () => {
          const lines = [
            'HTTP/1.1 299 Quite Fine',
            'X-CamelCase: 1',
            'X-CamelCase: 2',
            'Set-Cookie: a=1',
            'Set-Cookie: b=2; Path=/',
            'Connection: keep-alive, X-Secret',
            'X-Secret: 1',
            'Keep-Alive: timeout=77',
            'Trailer: X-T',
            'Proxy-Authenticate: Basic',
            'Date: then',
            'Transfer-Encoding: chunked',
            '',
            '2\r\nok\r\n0\r\nX-T: 1\r\n\r\n',
          ];
          socket.write(lines.join('\r\n'));
        });
      }),
    );
    const { port: entry } = await gateway(() => Promise.resolve(upstream(port)));
    const res = await call(entry);
    expect([res.statusCode, res.statusMessage, await read(res)]).toEqual([299, 'Quite Fine', 'ok']);
    expect(res.rawHeaders).toEqual([
      'X-CamelCase',
      '1',
      'X-CamelCase',
      '2',
      'Set-Cookie',
      'a=1',
      'Set-Cookie',
      'b=2; Path=/',
      'Date',
      'then',
      'Connection',
      'close',
      'Transfer-Encoding',
      'chunked',
    ]);
    expect(res.rawTrailers).toEqual([]);
  });

  it('without a body stays without one', async () => {
    const { port } = await before((req, res) => {
      res.writeHead(Number(req.url?.slice(1)), req.method === 'HEAD' ? { 'Content-Length': '1234' } : {});
      res.end();
    });
    const head = await fetchText(port, { method: 'HEAD', path: '/200' });
    expect([head.status, head.headers['content-length'], head.text]).toEqual([200, '1234', '']);
    for (const status of [204, 304]) {
      const { headers, ...answer } = await fetchText(port, { path: `/${status}` });
      expect(answer).toMatchObject({ status, text: '' });
      expect(headers['transfer-encoding']).toBeUndefined();
    }
  });

  it('to an HTTP/1.0 client ends with the connection', async () => {
    const { port } = await before((_req, res) => {
      res.write('a');
      res.end('b');
    });
    const answer = await raw(port, `GET / HTTP/1.0\r\nHost: ${HOST}\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1.1 200 OK\r\n.*\r\n\r\nab$/s);
    expect(answer).not.toMatch(/transfer-encoding/i);
  });

  it('streams: each event arrives while the next is not yet sent', async () => {
    const opened = Promise.withResolvers<ServerResponse>();
    const { port } = await before((_req, res) => {
      res.writeHead(200, { 'Content-Type': 'text/event-stream' });
      res.flushHeaders();
      opened.resolve(res);
    });
    const res = await call(port);
    const source = await opened.promise;
    for (const event of ['data: 1\n\n', 'data: 2\n\n', 'data: 3\n\n']) {
      source.write(event);
      const [chunk] = (await once(res, 'data')) as [Buffer];
      expect(chunk.toString()).toBe(event);
    }
    source.end();
    await once(res, 'end');
    expect(res.complete).toBe(true);
  });
});

describe("the gateway's cookies", () => {
  const mine = 'swiftor_ticket=t1; __Host-swiftor=t2; __Host-swiftor-x=t3; SWIFTOR_y=t4; swiftor_ticket=t5';

  it('are shown to the resolver and not to the app', async () => {
    const port = await app((req, res) => res.end(JSON.stringify(valuesOf(req.rawHeaders, 'Cookie'))));
    const given: object[] = [];
    const { port: entry } = await gateway((vmId, name, _path, cookies) => {
      given.push({ vmId, name, cookies: Object.fromEntries(cookies) });
      return Promise.resolve(upstream(port));
    });
    const host = `web-${HOST}`;
    const cases = [
      [`a=1; ${mine}; b="x=y"`, ['a=1; b="x=y"']],
      [mine, []],
      ['a=1;b=2 ; xswiftor_=3', ['a=1;b=2 ; xswiftor_=3']],
    ] as const;
    for (const [cookie, left] of cases) {
      expect(JSON.parse((await fetchText(entry, { headers: { Host: host, Cookie: cookie } })).text)).toEqual(left);
    }
    const all = { swiftor_ticket: ['t1', 't5'], '__Host-swiftor': ['t2'], '__Host-swiftor-x': ['t3'], SWIFTOR_y: ['t4'] };
    expect(given).toEqual([all, all, {}].map((cookies) => ({ vmId: VM, name: 'web', cookies })));
  });

  it('cannot be set by the app, not even as a nameless cookie', async () => {
    const tries = [
      'swiftor_ticket=x; Path=/',
      ' swiftor_a = x',
      '__Host-swiftor=x; Secure; Path=/',
      '__HOST-SWIFTOR=x',
      '=swiftor_ticket=x',
      'swiftor_ticket',
    ];
    const { port } = await before(
      (_req, res) => void res.writeHead(200, { 'Set-Cookie': [...tries, 'session=swiftor_x', 'my_swiftor_=1'] }).end(),
    );
    expect((await fetchText(port)).headers['set-cookie']).toEqual(['session=swiftor_x', 'my_swiftor_=1']);
  });

  it("do not count for a request that another origin's page makes", async () => {
    const seen: number[] = [];
    const { port } = await gateway((_vmId, _name, _path, cookies) => {
      seen.push(cookies.size);
      return Promise.resolve({ kind: 'denied' });
    });
    const cases: [count: number, headers: Record<string, string>, method?: string][] = [
      [1, {}],
      [1, { Origin: `https://${HOST}:8443` }],
      [1, { Origin: 'null', 'Sec-Fetch-Site': 'same-origin' }],
      [1, { 'Sec-Fetch-Site': 'none', 'Sec-Fetch-Mode': 'navigate' }],
      [1, { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate' }],
      [0, { Origin: `https://${randomUUID()}.${BASE}` }],
      [0, { Origin: 'null' }],
      [0, { 'Sec-Fetch-Site': 'same-site', 'Sec-Fetch-Mode': 'no-cors' }],
      [0, { Origin: 'https://evil.test', 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate' }, 'POST'],
    ];
    for (const [, headers, method = 'GET'] of cases)
      await fetchText(port, { method, headers: { Host: HOST, Cookie: 'swiftor_a=1', ...headers } });
    expect(seen).toEqual(cases.map(([count]) => count));

    const origin = `https://${randomUUID()}.${BASE}`;
    const ws = new WebSocket(`ws://127.0.0.1:${port}/`, { headers: { Host: HOST, Cookie: 'swiftor_a=1' }, origin });
    const [error] = (await once(ws, 'error')) as [Error];
    expect(error.message).toContain('404');
    expect(seen.at(-1)).toBe(0);
  });
});

describe('large bodies', () => {
  const hash = (data: Buffer) => createHash('sha256').update(data).digest('hex');

  it('pass whole in both directions, with and without a length', async () => {
    const { port } = await before((req, res) => {
      const { 'content-length': length } = req.headers;
      res.writeHead(200, length === undefined ? {} : { 'Content-Length': length });
      req.pipe(res);
    });
    const data = randomBytes(8 * MB);
    for (const headers of [{ Host: HOST, 'Content-Length': String(data.length) }, { Host: HOST }]) {
      const { text } = await fetchText(port, { method: 'PUT', headers, body: Readable.from([data.subarray(0, MB), data.subarray(MB)]) });
      expect(hash(Buffer.from(text, 'latin1'))).toBe(hash(data));
    }
  });

  it('of many answers at once, which wait for their clients, are not mixed', async () => {
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
          post ? 'HTTP/1.1 413 No\r\nContent-Length: 9\r\n\r\ntoo large' : 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nstill here',
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

describe('when one side goes midway', () => {
  it('a client that leaves before the answer takes its request along', async () => {
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

  it('a client that leaves takes along what it had sent ahead on the same connection', async () => {
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
        const { status, headers } = await fetchText(entry, { path, method, headers: { Host: HOST, Cookie: 'a=hidden' } });
        expect([path, status, headers['content-type']]).toEqual([path, 502, 'text/plain; charset=utf-8']);
      }
    }
    expect(logged.join('')).toContain(VM);
    expect(logged.join('')).not.toContain('hidden');
  });

  it('an answer with a broken chunk cuts the client off', async () => {
    const port = await listen(
      createRawServer((socket) => {
        socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\nzz\r\nb\r\n0\r\n\r\n'));
      }),
    );
    const { port: entry } = await gateway(() => Promise.resolve(upstream(port)));
    await expect(fetchText(entry)).rejects.toMatchObject({ code: 'ECONNRESET' });
  });

  it('informational answers of the app are not passed on, and the final one is', async () => {
    const port = await listen(
      createRawServer((socket) => {
        socket.once('data', () =>
          socket.end('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'.repeat(3) + 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'),
        );
      }),
    );
    const { port: entry } = await gateway(() => Promise.resolve(upstream(port)));
    const answer = await raw(entry, `GET / HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1.1 200 OK\r\n.*\r\n\r\nok$/s);
  });

  it('a refused connection becomes 502, also while a large body is under way', async () => {
    const closed = createRawServer();
    const port = await listen(closed);
    await new Promise((done) => closed.close(done));
    const { port: entry } = await gateway(() => Promise.resolve(upstream(port)));
    expect((await fetchText(entry)).status).toBe(502);
    expect((await fetchText(entry, { method: 'POST', body: Buffer.alloc(8 * MB) })).status).toBe(502);
  });
});

describe('what the resolver says', () => {
  const answerTo = async (port: number, host: string) =>
    (await raw(port, `GET / HTTP/1.1\r\nHost: ${host}\r\nX-Request-Id: mine\r\nConnection: close\r\n\r\n`)).replace(/\r\nDate: [^\r]*/, '');

  it('not found, denied and a foreign host are the same bytes', async () => {
    const { port } = await gateway((_vmId, name) => Promise.resolve({ kind: name === 'secret' ? 'denied' : 'not-found' }));
    const answers = [];
    for (const host of [HOST, `secret-${HOST}`, 'evil.test', `user@${HOST}`, BASE]) answers.push(await answerTo(port, host));
    expect(answers[0]).toMatch(/^HTTP\/1.1 404 Not Found\r\nContent-Type: text\/plain; charset=utf-8\r\n.*\r\n\r\nnot here$/s);
    expect(new Set(answers).size).toBe(1);
  });

  it('unavailable is 503 with a time to come back', async () => {
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

  it('a rejection is 503, logged once with the VM and no header', async () => {
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

  it('a client that left while it was asked is not connected to the app', async () => {
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
    const left = new Promise((done) => gatewayServer.once('connection', (socket: Socket) => socket.once('close', done)));
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

  it('are reused, and a request met by a reset of one is sent once more', async () => {
    const { server, seen } = counting((socket) => socket.resetAndDestroy());
    const port = await listen(server);
    const { port: entry } = await gateway(() => Promise.resolve(upstream(port)));
    expect((await fetchText(entry)).text).toBe('1');
    expect((await fetchText(entry)).text).toBe('2');
    expect(seen).toEqual(['1 GET', '1 GET', '2 GET']);
  });

  it('are not used for what must not be sent twice', async () => {
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
  it('streams, waiting requests and kept sockets end within a second, and others go on', async () => {
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

  it('that one side drops without a word is dropped for the other', async () => {
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

  it("gets the app's refusal as it is", async () => {
    const { port } = await before((_req, res) =>
      res.writeHead(401, { 'WWW-Authenticate': 'Basic realm="desk"', 'Set-Cookie': ['a=1', 'swiftor_a=1'] }).end('sign in'),
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
      [{ kind: 'unavailable', retryAfterSeconds: 3, message: 'Booting.' }, /^HTTP\/1.1 503 .*Retry-After: 3\r\n.*Booting\.$/s],
      [new Error('away'), /^HTTP\/1.1 503 .*Retry-After: 2\r\n/s],
    ];
    for (const [result, expected] of cases) {
      const { port: entry } = await gateway(() => (result instanceof Error ? Promise.reject(result) : Promise.resolve(result)));
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

  it('counts at its target for as long as it is open, as a request does', async () => {
    const app = await echo();
    const streaming = await listen(createServer((_req, res) => void res.write('first')));
    const load = { open: 0 };
    const { port } = await gateway((_vmId, name) =>
      Promise.resolve(upstream(name === 'other' ? streaming : app.port, { load, ...(name === 'other' && { ref: 'other' }) })),
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

  it('passes on bytes that either side sends right behind its headers', async () => {
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

  it('whose client leaves before the app has agreed is dropped for the app', async () => {
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

  it('whose client resets while the resolver is asked harms nobody and reaches no app', async () => {
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

  it('refused with a large answer gets all of it', async () => {
    const { port } = await before((_req, res) => res.end(Buffer.alloc(8 * MB, 'x')));
    const answer = await raw(port, handshake());
    expect(answer.length - answer.indexOf('\r\n\r\n') - 4).toBe(8 * MB);
  });

  it('is the only upgrade: h2c goes on as a plain request, and an upgrade with a body is refused', async () => {
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

describe('an https app with a self-signed certificate', () => {
  it('is reached without a look at the certificate, over HTTP and WebSocket', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'ingress-'));
    onTestFinished(() => rm(directory, { recursive: true }));
    const [keyFile, certFile] = [join(directory, 'key.pem'), join(directory, 'cert.pem')];
    const args = [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-days',
      '1',
      '-subj',
      '/CN=elsewhere',
    ];
    await promisify(execFile)('openssl', [...args, '-keyout', keyFile, '-out', certFile]);
    const ports = new Set<number | undefined>();
    const server = createSecureServer({ key: await readFile(keyFile), cert: await readFile(certFile) }, (req, res) => {
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

describe.concurrent('time', () => {
  it('to connect is 3 s: an app that never finishes its TLS handshake becomes 502', async ({ expect, onTestFinished }) => {
    const silent = createRawServer((socket) => void socket.on('error', () => undefined));
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    onTestFinished(() => void silent.close());
    const { port, close } = await bareGateway(upstream((silent.address() as AddressInfo).port, { scheme: 'https' }));
    onTestFinished(close);
    const at = performance.now();
    expect((await fetchText(port)).status).toBe(502);
    expect(performance.now() - at).toBeGreaterThan(2_900);
    expect(performance.now() - at).toBeLessThan(4_500);
  });

  it('to resolve is 5 s: a resolver that never answers becomes 503', async ({ expect, onTestFinished }) => {
    const { port, close } = await bareGateway(undefined);
    onTestFinished(close);
    const at = performance.now();
    expect((await fetchText(port)).status).toBe(503);
    expect(performance.now() - at).toBeGreaterThan(4_900);
  });

  it('to keep an idle socket to the app is 4 s', async ({ expect, onTestFinished }) => {
    const closed = Promise.withResolvers<void>();
    const patient = createServer({ keepAliveTimeout: 60_000 }, (req, res) => {
      req.socket.once('close', closed.resolve);
      res.end();
    });
    patient.listen(0, '127.0.0.1');
    await once(patient, 'listening');
    onTestFinished(() => void patient.close());
    const { port, close } = await bareGateway(upstream((patient.address() as AddressInfo).port));
    onTestFinished(close);
    await fetchText(port);
    const at = performance.now();
    await closed.promise;
    expect(performance.now() - at).toBeGreaterThan(3_500);
    expect(performance.now() - at).toBeLessThan(5_500);
  });

  it("to answer is the app's own: silence outlives the limit on idle kept sockets", async ({ expect, onTestFinished }) => {
    const slow = createServer((req, res) => {
      if (req.url === '/quick') return void res.end();
      res.write('a');
      setTimeout(() => res.end('b'), 5_500);
    });
    slow.listen(0, '127.0.0.1');
    await once(slow, 'listening');
    onTestFinished(() => void slow.close());
    const { port, close } = await bareGateway(upstream((slow.address() as AddressInfo).port));
    onTestFinished(close);
    await fetchText(port, { path: '/quick' });
    expect((await fetchText(port, { path: '/slow' })).text).toBe('ab');
  });
}, 15_000);

/** A gateway for concurrent tests, whose clean-up is the caller's. */
async function bareGateway(resolution: Resolution | undefined) {
  const ingress = new IngressProxy({
    routes: { resolve: () => (resolution === undefined ? new Promise<never>(() => undefined) : Promise.resolve(resolution)) },
    log: pino({ level: 'silent' }),
  });
  const server = createServer((req, res) =>
    ingress.handle(
      req,
      res,
      matchRequest(req, (host) => parseVmHost(host, BASE)),
    ),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = () => {
    ingress.close();
    server.closeAllConnections();
    server.close();
  };
  return { port: (server.address() as AddressInfo).port, close };
}
