import { once } from 'node:events';
import { type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { app, BASE, before, fetchText, gateway, HOST, raw, read, upstream } from '../../support/ingress/ingress.ts';

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
    const { port } = await before((req, res) =>
      res.end(`${req.headers['content-length']} ${req.headers['transfer-encoding']}`),
    );
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

  it("has the gateway's forwarding headers and none of the client's", async () => {
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
    socket.write(
      `POST / HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n`,
    );
    const [first] = (await once(socket, 'data')) as [Buffer];
    expect(first.toString()).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    socket.write('abc');
    expect(await read(socket)).toContain('abc no expectation');
  });

  it('is separated from one that is smuggled behind it', async () => {
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
    const mismatch = await raw(
      port,
      `GET http://other.${BASE}/ HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n\r\n`,
    );
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
