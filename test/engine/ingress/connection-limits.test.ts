import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { MAX_INIT_BYTES, MESSAGES_PER_SECOND } from '../../../src/graphql/transports/ws-connection.ts';
import { eventually } from '../../support/eventually.ts';
import { createTestGateway } from '../../support/gateway/gateway.ts';
import { VIEWER } from '../../support/api/operations-file.ts';
import { PRODUCTION_ENV } from '../../support/gateway/production-env.ts';
import { openKnownSocket, openRawSocket, type RawSocket } from '../../support/ingress/raw-socket.ts';
import { useGateway } from '../../support/gateway/use-gateway.ts';

const VM = '1aa62e52-e61c-4ae3-9ac2-c9cb1f46d25f';
const production = useGateway({ env: PRODUCTION_ENV });

describe('live connections', () => {
  const EVENTS = { query: 'subscription { vmEvents { seq } }' };
  const openStream = async (token: string): Promise<{ status: number; text: string; end: () => void }> => {
    const leaving = new AbortController();
    const response = await fetch(`${production.url}/graphql`, {
      method: 'POST',
      body: JSON.stringify(EVENTS),
      headers: { 'content-type': 'application/json', accept: 'text/event-stream', authorization: `Bearer ${token}` },
      signal: leaving.signal,
    });
    const text = response.ok ? '' : await response.text();
    return { status: response.status, text, end: () => leaving.abort() };
  };

  it('of an account are limited to ten sockets and streams; one that ends makes room', async () => {
    const token = await production.token('collector');
    const sockets = await Promise.all(Array.from({ length: 7 }, () => openKnownSocket(production.port, token)));
    const streams = [await openStream(token), await openStream(token), await openStream(token)];
    expect(streams.map(({ status }) => status)).toEqual([200, 200, 200]);

    const eleventh = await openRawSocket(production.port);
    eleventh.send({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } });
    expect(await eleventh.closed).toEqual({
      code: 4491,
      reason: 'An account has at most 10 live connections; close one first.',
    });
    const stream = await openStream(token);
    expect([stream.status, stream.text]).toEqual([429, expect.stringContaining('RATE_LIMITED')]);
    // Another account has its own.
    (await openKnownSocket(production.port, await production.token('other'))).socket.close();

    sockets[0]?.socket.close();
    streams[0]?.end();
    const again: RawSocket[] = [];
    await eventually(async () => {
      const each = await openRawSocket(production.port);
      each.send({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } });
      await each
        .next(({ type }) => type === 'connection_ack')
        .then(
          () => again.push(each),
          () => undefined,
        );
      return again.length === 2;
    });
    for (const { socket } of [...sockets, ...again]) socket.terminate();
    for (const { end } of streams) end();
  });

  it('carry at most 50 subscriptions each; one that is completed makes room', async () => {
    const { socket, send, next } = await openKnownSocket(production.port, await production.token('subscriber'));
    const ids = Array.from({ length: 51 }, (_, index) => `s${index}`);
    for (const id of ids) send({ id, type: 'subscribe', payload: EVENTS });
    expect(await next(({ type }) => type === 'error')).toMatchObject({
      id: 's50',
      payload: [
        { message: 'A socket has at most 50 subscriptions; complete one first.', extensions: { code: 'RATE_LIMITED' } },
      ],
    });
    // Queries and mutations do not count.
    send({ id: 'query', type: 'subscribe', payload: { query: VIEWER } });
    expect(await next(({ id }) => id === 'query')).toMatchObject({ type: 'next' });
    // A subscription that ends is no longer counted, soon after it was opened; a refused one never is.
    send({ id: 's0', type: 'complete' });
    const bad = { query: `subscription { vmEvents(vmId: "${VM}") { seq } }` };
    let tries = 0;
    await eventually(async () => {
      const mine = `bad${(tries += 1)}`;
      send({ id: mine, type: 'subscribe', payload: bad });
      // The completed one may still have been opening.
      const { type, payload } = await next(({ id }) => id === mine);
      return type === 'next' && JSON.stringify(payload).includes('NOT_FOUND');
    });
    send({ id: 'more', type: 'subscribe', payload: EVENTS });
    send({ id: 'too many', type: 'subscribe', payload: EVENTS });
    expect(await next(({ type }) => type === 'error')).toMatchObject({ id: 'too many' });
    socket.close();
  });

  it('may send at most 1,000 messages at once', async () => {
    const token = await production.token('chatty');
    const chat = async (messages: number): Promise<RawSocket> => {
      const raw = await openKnownSocket(production.port, token);
      for (let index = 1; index < messages; index += 1) raw.send({ type: 'pong' });
      return raw;
    };
    const most = 10 * MESSAGES_PER_SECOND;
    const within = await chat(most - 1);
    within.send({ type: 'ping' });
    await within.next(({ type }) => type === 'pong');
    within.socket.close();
    // Meanwhile, one more is allowed every 10 ms.
    const past = await chat(3 * most);
    expect(await past.closed).toEqual({ code: 4429, reason: 'Too many messages' });
    const pings = await openKnownSocket(production.port, token);
    for (let index = 0; index < 3 * most; index += 1) pings.socket.ping();
    // A client that goes on sending may lose the close frame.
    expect([4429, 1006]).toContain((await pings.closed).code);
  });

  it('begin with one connection_init of at most 8 KiB', async () => {
    const init = async (bytes: number): Promise<RawSocket> => {
      const raw = await openRawSocket(production.port);
      const text = JSON.stringify({
        type: 'connection_init',
        payload: { authorization: `Bearer ${await production.token('init')}` },
      });
      raw.send(text.padEnd(bytes, ' '));
      return raw;
    };
    const fits = await init(MAX_INIT_BYTES);
    await fits.next(({ type }) => type === 'connection_ack');
    fits.send({ type: 'connection_init' });
    expect((await fits.closed).code).toBe(4429);
    expect((await (await init(MAX_INIT_BYTES + 1)).closed).code).toBe(4400);
  });

  it('are closed for a message above 256 KiB, an invalid message, or an operation before connection_init', async () => {
    const token = await production.token('odd');
    const long = await openKnownSocket(production.port, token);
    long.send('x'.repeat(256 * 1024 + 1));
    expect((await long.closed).code).toBe(1009);
    for (const message of ['', 'x', '[]', '{}', 'null', '{"type":"subscribe"}', '{"type":"__proto__"}']) {
      const raw = await openKnownSocket(production.port, token);
      raw.send(message);
      expect([message, (await raw.closed).code]).toEqual([message, 4400]);
    }
    const early = await openRawSocket(production.port);
    early.send({ id: '1', type: 'subscribe', payload: EVENTS });
    expect((await early.closed).code).toBe(4401);
  });

  it('are closed without a connection_init within 5 s', async () => {
    expect((await (await openRawSocket(production.port)).closed).code).toBe(4408);
  });

  it.each([
    [`https://${VM}.swiftor.io`, false],
    [`https://app-${VM}.swiftor.io`, false],
    ['https://evil.example', false],
    ['null', false],
    ['https://swiftor.io', true],
    [undefined, true],
  ])('from a page of the origin %s are accepted: %s', async (origin, isOpened) => {
    const opened = openRawSocket(production.port, origin === undefined ? {} : { origin });
    const { socket, closed, send } = await opened;
    if (!isOpened) return expect((await closed).code).toBe(1008);
    send('');
    expect((await closed).code).toBe(4400);
    socket.close();
  });
});

describe('a slow client', () => {
  /** A connection with these bytes sent, and how long until it was closed, with all that came. */
  const connectRaw = async (
    bytes: string,
    options: { localAddress?: string } = {},
  ): Promise<{ socket: Socket; ended: Promise<{ ms: number; text: string }> }> => {
    const socket = connect({ port: production.port, host: '127.0.0.1', ...options });
    const begun = performance.now();
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
    socket.on('error', () => undefined);
    const ended = once(socket, 'close').then(() => ({ ms: performance.now() - begun, text }));
    await once(socket, 'connect');
    socket.write(bytes);
    return { socket, ended };
  };

  it(
    'is cut off after 10 s without complete headers, answered after 5 s without a complete body, and delays nobody',
    { timeout: 60_000 },
    async () => {
      const token = await production.token('slow');
      const head = 'POST /graphql HTTP/1.1\r\nhost: localhost\r\n';
      const slow = await Promise.all([
        ...Array.from({ length: 50 }, () => connectRaw(head)),
        ...Array.from({ length: 50 }, () => connectRaw('')),
      ]);
      const bodies = await Promise.all(
        ['content-length: 200000', 'transfer-encoding: chunked'].map((framing) =>
          connectRaw(`${head}authorization: Bearer ${token}\r\ncontent-type: application/json\r\n${framing}\r\n\r\n`),
        ),
      );
      // A header, or a byte of a body, each second: slow and never silent.
      const trickle = setInterval(() => {
        for (const { socket } of slow.slice(0, 50)) if (!socket.destroyed) socket.write('x-more: 1\r\n');
        if (!(bodies[0]?.socket.destroyed ?? true)) bodies[0]?.socket.write(' ');
        if (!(bodies[1]?.socket.destroyed ?? true)) bodies[1]?.socket.write('1\r\n \r\n');
      }, 1_000);
      try {
        for (const { ended } of bodies) {
          const { ms, text } = await ended;
          expect(text).toMatch(/^HTTP\/1\.1 400 /);
          expect(text).toContain('did not arrive completely and in time');
          expect(ms).toBeGreaterThan(4_000);
          expect(ms).toBeLessThan(20_000);
        }
        expect((await production.rest(token, 'GET', '/vms')).status).toBe(200);
        for (const { ended } of slow) {
          const { ms, text } = await ended;
          expect(text).toMatch(/^(HTTP\/1\.1 408 |$)/);
          expect(ms).toBeGreaterThan(9_000);
          expect(ms).toBeLessThan(30_000);
        }
      } finally {
        clearInterval(trickle);
      }
    },
  );

  it('with a body that is not read does not keep its connection', async () => {
    for (const line of ['POST /graphql', 'POST /vms/create', 'POST /nothing']) {
      const { ended } = await connectRaw(
        `${line} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n{`,
      );
      const { ms, text } = await ended;
      expect([line, text.split('\r\n')[0]]).toEqual([line, expect.stringMatching(/40[14]/)]);
      expect(ms).toBeLessThan(3_000);
    }
  });
});

it('a gateway accepts a limited number of connections from one address', async () => {
  await using gateway = await createTestGateway({ env: { CONNECTIONS_PER_ADDRESS: '5' } });
  const open = async (localAddress: string): Promise<Socket> => {
    const socket = connect({ port: gateway.port, host: '127.0.0.1', localAddress });
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    return socket;
  };
  /** The status of an answer; undefined when it was hung up. */
  const ask = async (socket: Socket): Promise<string | undefined> => {
    socket.write('GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n');
    const first = await Promise.race([once(socket, 'data'), once(socket, 'close')]);
    return Buffer.isBuffer(first[0]) ? first[0].toString().slice(9, 12) : undefined;
  };
  const five = await Promise.all(Array.from({ length: 5 }, () => open('127.0.0.2')));
  for (const socket of five) expect(await ask(socket)).toBe('200');
  expect(await ask(await open('127.0.0.2'))).toBeUndefined();
  const other = await open('127.0.0.3');
  expect(await ask(other)).toBe('200');
  five[0]?.destroy();
  await eventually(async () => {
    const socket = await open('127.0.0.2');
    const status = await ask(socket);
    socket.destroy();
    return status === '200';
  });
  for (const socket of [...five, other]) socket.destroy();
});
