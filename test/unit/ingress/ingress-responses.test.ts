import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type ServerResponse } from 'node:http';
import { createServer as createRawServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
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

const valuesOf = (headers: readonly string[], name: string) =>
  headers.filter((_, at) => at % 2 === 1 && headers[at - 1] === name);

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

  it('without a body is forwarded without one', async () => {
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
    const all = {
      swiftor_ticket: ['t1', 't5'],
      '__Host-swiftor': ['t2'],
      '__Host-swiftor-x': ['t3'],
      SWIFTOR_y: ['t4'],
    };
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
    type Case = [count: number, headers: Record<string, string>, method?: string];
    const LINK = { 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document' };
    const cases: Case[] = [
      [1, {}],
      [1, { Origin: `https://${HOST}:8443` }],
      [1, { Origin: 'null', 'Sec-Fetch-Site': 'same-origin' }],
      [1, { 'Sec-Fetch-Site': 'none', 'Sec-Fetch-Mode': 'navigate' }],
      [1, { 'Sec-Fetch-Site': 'cross-site', ...LINK }],
      [1, { 'Sec-Fetch-Site': 'same-origin', ...LINK, 'Sec-Fetch-Dest': 'iframe' }],
      ...['iframe', 'frame', 'embed', 'object', 'fencedframe'].map((dest): Case => [
        0,
        { 'Sec-Fetch-Site': 'same-site', ...LINK, 'Sec-Fetch-Dest': dest },
      ]),
      [0, { Origin: `https://${randomUUID()}.${BASE}` }],
      [0, { Origin: 'null' }],
      [0, { 'Sec-Fetch-Site': 'same-site', 'Sec-Fetch-Mode': 'no-cors' }],
      [0, { Origin: 'https://evil.test', 'Sec-Fetch-Site': 'cross-site', ...LINK }, 'POST'],
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
