import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect, createServer as createRawServer, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { ServeRequest } from '../src/ingress/direct/direct-connection.ts';
import { serveDirect } from '../src/ingress/direct/serve-direct.ts';
import { app, before, gateway, HOST, listen, upstream, VM, ways } from './support/ingress.ts';
import { eventually } from './support/eventually.ts';

beforeEach(() => {
  ways.direct = true;
});

const get = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nHost: ${HOST}\r\n${more}\r\n`;
const post = (path: string, body: string) => `POST ${path} HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

/** A connection that is written to by hand, and all that came back on it. */
async function dial(port: number) {
  const socket = connect(port, '127.0.0.1');
  socket.setNoDelay(true);
  onTestFinished(() => void socket.destroy());
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1'))).on('error', () => undefined);
  const closed = once(socket, 'close');
  await once(socket, 'connect');
  return {
    socket,
    closed,
    send: (bytes: string) => socket.write(bytes, 'latin1'),
    text: () => text,
    /** Once so many answers are here, each of which says what it answers between braces. */
    answers: async (count: number) =>
      eventually(() => {
        const found = [...text.matchAll(/\{(.*?)\}/gs)].map(([, what]) => what);
        return found.length >= count && found;
      }),
  };
}

/** Of the next connection, what resolves once the server has read all of these. */
function watchReading(server: Server): (...sent: string[]) => Promise<void> {
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  return async (...sent) => {
    const [socket] = await accepted;
    await vi.waitUntil(() => socket.bytesRead === sent.join('').length);
  };
}

const echo = async (req: IncomingMessage, res: ServerResponse) => {
  let body = '';
  for await (const chunk of req) body += String(chunk);
  res.end(`{${req.method} ${req.url}${body && ` ${body}`}}`);
};
const beforeEcho = () => before((req, res) => void echo(req, res));

describe('a connection', () => {
  it('is answered past the server until it asks for more than that, and by the server from then on', async () => {
    const { port, direct } = await beforeEcho();
    const client = await dial(port);
    const asked: string[] = [];
    for (const [request, name] of [
      [get('/1'), 'GET /1'],
      [get('/2', 'Cookie: a=b\r\n'), 'GET /2'],
      [get('/3'), 'GET /3'],
      [post('/4', 'body'), 'POST /4 body'],
      [get('/5'), 'GET /5'],
      [post('/6', ''), 'POST /6'],
    ] as const) {
      client.send(request);
      asked.push(name);
      expect(await client.answers(asked.length)).toEqual(asked);
    }
    expect(direct).toEqual(['GET /1', 'GET /2', 'GET /3']);
  });

  it('loses and doubles nothing of what comes in pieces of any size, one behind the other', async () => {
    const { port } = await beforeEcho();
    const requests = [get('/1'), get('/2'), post('/3', 'x'.repeat(50)), get('/4'), get('/5', 'X: 1\r\n'), post('/6', 'y')];
    const names = ['GET /1', 'GET /2', `POST /3 ${'x'.repeat(50)}`, 'GET /4', 'GET /5', 'POST /6 y'];
    const all = requests.join('');
    for (const size of [1, 7, 40, 59, requests[0]?.length ?? 0, 120, 200, all.length]) {
      const client = await dial(port);
      for (let at = 0; at < all.length; at += size) {
        client.send(all.slice(at, at + size));
        await turn();
      }
      expect(await client.answers(names.length), `pieces of ${size}`).toEqual(names);
    }
  });

  it('that asks again before it has its answer gets both in their order, however the second one is served', async () => {
    const held: (() => void)[] = [];
    const { port, direct, server } = await before((req, res) => {
      if (req.url !== '/slow') return void echo(req, res);
      held.push(() => res.end('{GET /slow}'));
    });
    for (const [next, names, count] of [
      [get('/next'), ['GET /next'], 2],
      [post('/next', 'b'), ['POST /next b'], 1],
      [get('/next') + get('/last'), ['GET /next', 'GET /last'], 1],
      [get('/next') + post('/last', 'b'), ['GET /next', 'POST /last b'], 1],
    ] as const) {
      direct.length = 0;
      const read = watchReading(server);
      const client = await dial(port);
      client.send(get('/slow'));
      await vi.waitUntil(() => held.length === 1);
      client.send(next);
      await read(get('/slow'), next);
      expect(client.text()).toBe('');
      held.shift()?.();
      expect(await client.answers(1 + names.length)).toEqual(['GET /slow', ...names]);
      expect(direct).toHaveLength(count);
    }
  });

  it('is held while it is not known yet where it leads, and what comes meanwhile is not lost', async () => {
    const to = await app((req, res) => void echo(req, res));
    const known = Promise.withResolvers<void>();
    let asked = 0;
    const { port, direct, server } = await gateway(async () => {
      asked += 1;
      await known.promise;
      return upstream(to);
    });
    const read = watchReading(server);
    const client = await dial(port);
    client.send(get('/1'));
    await vi.waitUntil(() => asked === 1);
    client.send(post('/2', 'b'));
    await read(get('/1'), post('/2', 'b'));
    known.resolve();
    expect(await client.answers(2)).toEqual(['GET /1', 'POST /2 b']);
    expect(direct).toEqual(['GET /1']);
  });

  it('goes to the server with the page of a VM that is not up, and with nothing that is a sentence', async () => {
    const seen: (string | undefined)[] = [];
    const room = {
      async show(req: IncomingMessage, res: ServerResponse) {
        seen.push(req.url);
        res.end('{page}');
      },
    };
    const sight = { vm: { id: VM } as never, ticket: undefined };
    const { port, direct } = await gateway(() => ({ kind: 'unavailable', retryAfterSeconds: 3, message: '{later}', sight }), { room });
    const client = await dial(port);
    client.send(get('/a.css', 'Accept: text/css\r\n'));
    expect(await client.answers(1)).toEqual(['later']);
    client.send(get('/', 'Accept: text/html\r\n'));
    expect(await client.answers(2)).toEqual(['later', 'page']);
    expect([direct, seen]).toEqual([['GET /a.css'], ['/']]);
    expect(client.text()).toMatch(/^HTTP\/1\.1 503 Service Unavailable\r\n[^{]*Retry-After: 3\r\n/);
  });

  it('goes to the server with all that came while it was not known yet where it leads', async () => {
    const known = Promise.withResolvers<void>();
    let asked = 0;
    const room = { show: async (req: IncomingMessage, res: ServerResponse) => void res.end(`{page ${req.url}}`) };
    const sight = { vm: { id: VM } as never, ticket: undefined };
    const { port, direct, server } = await gateway(
      async () => {
        asked += 1;
        await known.promise;
        return { kind: 'unavailable', retryAfterSeconds: 3, message: '{later}', sight };
      },
      { room },
    );
    const read = watchReading(server);
    const client = await dial(port);
    const [first, more] = [get('/1', 'Accept: text/html\r\n'), get('/2', 'Accept: text/html\r\n') + post('/3', 'b')];
    client.send(first);
    await vi.waitUntil(() => asked === 1);
    client.send(more);
    await read(first, more);
    known.resolve();
    expect(await client.answers(3)).toEqual(['page /1', 'page /2', 'later']);
    expect(direct).toEqual([]);
  });

  it('that the client closes takes the request to the app along', async () => {
    for (const leave of [
      (socket: Socket) => socket.destroy(),
      (socket: Socket) => socket.resetAndDestroy(),
      (socket: Socket) => socket.end(),
    ]) {
      const asked = Promise.withResolvers<IncomingMessage>();
      const { port } = await before((req) => asked.resolve(req));
      const client = await dial(port);
      client.send(get('/'));
      const { socket } = await asked.promise;
      const gone = once(socket, 'close');
      leave(client.socket);
      await gone;
    }
  });

  it('that the client closes while it is not known yet where it leads asks the app for nothing', async () => {
    const known = Promise.withResolvers<void>();
    let asked = 0;
    const to = await app((_req, res) => {
      asked += 1;
      res.end();
    });
    const { port, server } = await gateway(async () => {
      await known.promise;
      return upstream(to);
    });
    const accepted = once(server, 'connection') as Promise<[Socket]>;
    const client = await dial(port);
    client.send(get('/'));
    const [socket] = await accepted;
    const closed = once(socket, 'close');
    await vi.waitUntil(() => socket.bytesRead > 0);
    client.socket.destroy();
    await closed;
    known.resolve();
    await turn();
    expect(asked).toBe(0);
  });

  it('that asks on and on without reading the answers is not read either', async () => {
    let asked = 0;
    // Each is written as a whole; a larger one would wait for its client by itself.
    const answer = Buffer.alloc(12 * 1024, 'x');
    const { port, direct } = await before((_req, res) => {
      asked += 1;
      res.end(answer);
    });
    const client = await dial(port);
    client.socket.pause();
    let sent = 0;
    let last = -1;
    let since = performance.now();
    await vi.waitUntil(
      () => {
        // One at a time, or the connection would be the server's.
        if (asked === sent && client.socket.writableLength === 0) {
          client.send(get('/'));
          sent += 1;
        }
        if (asked !== last) [last, since] = [asked, performance.now()];
        return performance.now() - since > 500;
      },
      { timeout: 20_000, interval: 1 },
    );
    // What the kernel's buffers hold.
    expect(asked * answer.length).toBeLessThan(16 * 2 ** 20);
    expect(sent).toBe(asked + 1);
    client.socket.resume();
    await vi.waitUntil(() => asked === sent, { timeout: 5_000 });
    expect(direct).toHaveLength(sent);
  });
});

describe('time', () => {
  async function timed(times: { headersTimeout: number; keepAliveTimeout: number }, listener: Parameters<typeof app>[0]) {
    const to = await app(listener);
    const found = await gateway(() => upstream(to));
    Object.assign(found.server, times);
    return found;
  }

  it('for the first byte, and between two requests, is limited; the answer is not', async () => {
    const { port, direct } = await timed(
      { headersTimeout: 200, keepAliveTimeout: 300 },
      (_req, res) => void setTimeout(() => res.end('{late}'), 900),
    );
    const begun = performance.now();
    const silent = await dial(port);
    await silent.closed;
    expect(performance.now() - begun).toBeGreaterThan(150);

    const client = await dial(port);
    client.send(get('/'));
    expect(await client.answers(1)).toEqual(['late']);
    const answered = performance.now();
    await client.closed;
    expect(performance.now() - answered).toBeGreaterThan(250);
    expect(direct).toEqual(['GET /']);
  });

  it('is the server’s where the connection is', async () => {
    const { port } = await timed({ headersTimeout: 200, keepAliveTimeout: 60_000 }, (req, res) => void echo(req, res));
    const client = await dial(port);
    client.send(post('/1', 'b'));
    expect(await client.answers(1)).toEqual(['POST /1 b']);
    // Longer than it may take to its first byte.
    await expect(Promise.race([client.closed, new Promise((resolve) => setTimeout(resolve, 500, 'open'))])).resolves.toBe('open');
    client.send(get('/2'));
    expect(await client.answers(2)).toEqual(['POST /1 b', 'GET /2']);
  });
});

describe('an answer', () => {
  const lines = (...all: string[]) => all.join('\r\n');
  /** What an app may say, to the byte, and whether it hangs up then. */
  const APPS: readonly [what: string, said: string, options?: { closes?: boolean; head?: boolean }][] = [
    ['with a length', lines('HTTP/1.1 200 OK', 'X-A: 1', 'Content-Length: 5', '', 'hello')],
    ['of nothing', lines('HTTP/1.1 200 Fine', 'Content-Length: 0', '', '')],
    ['with a date of its own', lines('HTTP/1.1 200 OK', 'date: then', 'content-length: 1', '', 'a')],
    ['in chunks', lines('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked', '', '5', 'hello', '0', '', '')],
    ['in chunks of nothing', lines('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked', '', '0', '', '')],
    ['until the end', lines('HTTP/1.1 200 OK', '', 'hello'), { closes: true }],
    ['of HTTP/1.0', lines('HTTP/1.0 200 OK', 'Content-Length: 5', '', 'hello'), { closes: true }],
    ['without a body', lines('HTTP/1.1 204 No Content', 'X: 1', '', '')],
    ['that nothing was modified', lines('HTTP/1.1 304 Not Modified', 'ETag: "1"', '', '')],
    ['that nothing was modified, with a length', lines('HTTP/1.1 304 Not Modified', 'Content-Length: 99', '', '')],
    ['to a HEAD', lines('HTTP/1.1 200 OK', 'Content-Length: 99', '', ''), { head: true }],
    ['to a HEAD without a length', lines('HTTP/1.1 200 OK', 'X: 1', '', ''), { head: true }],
    ['without a reason', lines('HTTP/1.1 404 ', 'Content-Length: 1', '', 'a')],
    ['with cookies', lines('HTTP/1.1 200 OK', 'Set-Cookie: a=1', 'Set-Cookie: swiftor_ticket=x', 'Content-Length: 0', '', '')],
    ['with bytes past ASCII', lines('HTTP/1.1 200 \xe9', 'X: \xff', 'Content-Length: 2', '', '\xe9\0')],
    ['that is large', `HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n${'x'.repeat(200_000)}`],
    [
      'that is large, in chunks',
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4000\r\n${'y'.repeat(0x4000)}\r\n1\r\nz\r\n0\r\n\r\n`,
    ],
    ['that is no answer', 'nonsense\r\n\r\n', { closes: true }],
    ['that never came', '', { closes: true }],
  ];

  async function rawApp(said: string, closes: boolean): Promise<number> {
    return listen(
      createRawServer((socket) => {
        socket.on('data', () => {
          socket.write(said, 'latin1');
          if (closes) socket.end();
        });
      }),
    );
  }
  const withoutDate = (text: string) => text.replaceAll(/\r\nDate: [A-Z][a-z]{2}, [^\r]*GMT/g, '\r\nDate: now');

  it.each(APPS)(
    '%s has the same bytes as through the server, twice on one connection',
    async (_what, said, { closes = false, head = false } = {}) => {
      const to = await rawApp(said, closes);
      const seen: string[] = [];
      for (const direct of [false, true]) {
        ways.direct = direct;
        const found = await gateway(() => upstream(to));
        const client = await dial(found.port);
        let length = 0;
        for (const path of ['/1', '/2']) {
          client.send(head ? get(path).replace('GET', 'HEAD') : get(path));
          await vi.waitUntil(() => client.text().length > length);
          // Whole when the connection is free for the next one, which says where it ends.
          client.send(get('/.none', 'Sec-Fetch-Site: none\r\n').replace(HOST, 'nobody.test'));
          await vi.waitUntil(() => client.text().slice(length).endsWith('not here'), { timeout: 5_000 });
          length = client.text().length;
        }
        seen.push(withoutDate(client.text()));
        expect(found.direct.slice(0, 1)).toEqual(direct ? [`${head ? 'HEAD' : 'GET'} /1`] : []);
      }
      expect(seen[1]).toBe(seen[0]);
    },
  );

  it('that breaks off in the middle takes the connection along', async () => {
    const to = await rawApp('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf', true);
    const { port, direct } = await gateway(() => upstream(to));
    const client = await dial(port);
    client.send(get('/'));
    await client.closed;
    expect(client.text()).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nhalf$/);
    expect(direct).toEqual(['GET /']);
  });

  it('whose first bytes are only its head is there at once', async () => {
    const to = await rawApp('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n', false);
    const { port } = await gateway(() => upstream(to));
    const client = await dial(port);
    client.send(get('/'));
    await vi.waitUntil(() => client.text().endsWith('Transfer-Encoding: chunked\r\n\r\n'));
  });
});

describe('closing', () => {
  it('does not come in the middle of an answer that its client takes slowly', async () => {
    const whole = 32 * 2 ** 20;
    const server = createServer();
    Object.assign(server, { headersTimeout: 100, keepAliveTimeout: 100 });
    const serve: ServeRequest = (_req, reply) => {
      reply.writeHead(200, 'OK', ['Content-Length', String(whole)]);
      reply.end(Buffer.alloc(whole, 'x'), 'latin1');
      return true;
    };
    const front = serveDirect(server, { event: 'connection', serve });
    onTestFinished(() => front.close());
    const port = await listen(server);
    const accepted = once(server, 'connection') as Promise<[Socket]>;
    const client = await dial(port);
    client.socket.pause();
    client.send(get('/'));
    const [socket] = await accepted;
    await vi.waitUntil(() => socket.writableLength > 0);
    // Three looks at what is idle, and past every limit.
    await expect(Promise.race([once(socket, 'close'), new Promise((resolve) => setTimeout(resolve, 2_000, 'open'))])).resolves.toBe('open');
    client.socket.resume();
    await vi.waitUntil(() => client.text().length >= whole, { timeout: 10_000 });
    await client.closed;
    expect(client.text().endsWith('x'.repeat(whole))).toBe(true);
  });

  it('ends what is open, and what comes after', async () => {
    const server = createServer();
    const serve: ServeRequest = (_req, reply) => {
      reply.writeHead(200, 'OK', ['Content-Length', '4']);
      reply.end('{ok}', 'latin1');
      return true;
    };
    const front = serveDirect(server, { event: 'connection', serve });
    const port = await listen(server);
    const client = await dial(port);
    client.send(get('/'));
    expect(await client.answers(1)).toEqual(['ok']);
    front.close();
    await client.closed;
    await (
      await dial(port)
    ).closed;
  });

  it('leaves alone a connection that was refused before', async () => {
    const server = createServer();
    server.on('connection', (socket: Socket) => void socket.destroy());
    const front = serveDirect(server, { event: 'connection', serve: () => true });
    onTestFinished(() => front.close());
    await (
      await dial(await listen(server))
    ).closed;
  });

  it('is refused to a server that listens to no connection', () => {
    const server = createServer();
    server.removeAllListeners('connection');
    expect(() => serveDirect(server, { event: 'connection', serve: () => false })).toThrow(
      'This server does not listen to its "connection".',
    );
  });
});
