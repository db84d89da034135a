import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { createClient } from 'graphql-ws';
import { beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { useApi } from '../../support/api/use-api.ts';
import { eventually } from '../../support/eventually.ts';
import { readUntil } from '../../support/read-until.ts';
import { openKnownSocket, openRawSocket } from '../../support/ingress/raw-socket.ts';

const JSON_TYPE = 'application/json; charset=utf-8';
const GRAPHQL_TYPE = 'application/graphql-response+json; charset=utf-8';
const STREAM_TYPE = 'text/event-stream; charset=utf-8';
const ME = '{ me { userId } }';
const GONE = '1aa62e52-e61c-4ae3-9ac2-c9cb1f46d25f';
const APP = 'https://app.example.org';
const EVIL = 'https://evil.example';

const gateway = useApi({ SOCKETS_PER_ACCOUNT: '2', ALLOWED_ORIGINS: APP });
let token: string;
beforeAll(async () => {
  token = await gateway.token('alice');
});

function ask(accept: string, search: Record<string, string>, headers: Record<string, string> = {}): Promise<Response> {
  const query = new URLSearchParams(search).toString();
  return fetch(`${gateway.url}/graphql?${query}`, {
    headers: { authorization: `Bearer ${token}`, accept, ...headers },
  });
}

describe('the answer to a client', () => {
  it.each([
    [
      'urql',
      'application/graphql-response+json, application/graphql+json, application/json, text/event-stream',
      GRAPHQL_TYPE,
    ],
    ['Apollo Client 4', 'application/graphql-response+json,application/json;q=0.9', GRAPHQL_TYPE],
    ['Relay', 'application/json, multipart/mixed', JSON_TYPE],
    ['one that names no type', '*/*', JSON_TYPE],
    ['graphql-sse', 'text/event-stream', STREAM_TYPE],
  ])('%s has the type that it prefers', async (_who, accept, type) => {
    const response = await ask(accept, { query: ME });
    expect([response.status, response.headers.get('content-type')]).toEqual([200, type]);
    expect(await response.text()).toContain('{"data":{"me":{"userId":"alice"}}}');
  });

  it('that names event streams at all is one for a subscription, and a query takes no place of a live connection', async () => {
    const accept = 'application/json, text/event-stream;q=0.1';
    const streams = await Promise.all([1, 2].map(() => ask(accept, { query: 'subscription { vmEvents { seq } }' })));
    expect(streams.map(({ headers }) => headers.get('content-type'))).toEqual([STREAM_TYPE, STREAM_TYPE]);
    expect((await ask(accept, { query: ME })).status).toBe(200);
    const third = await ask(`application/graphql-response+json, ${accept}`, {
      query: 'subscription { vmEvents { seq } }',
    });
    expect([third.status, third.headers.get('content-type'), third.headers.get('retry-after')]).toEqual([
      429,
      GRAPHQL_TYPE,
      '5',
    ]);
    expect(await third.json()).toMatchObject({
      errors: [{ extensions: { code: 'RATE_LIMITED', retryAfterSeconds: 5 } }],
    });
    for (const { body } of streams) await body?.cancel();
  });

  it.each([
    ['without a token', 401, 'UNAUTHENTICATED', { headers: { authorization: '' } }],
    ['with too long a body', 413, 'PAYLOAD_TOO_LARGE', { body: 'x'.repeat(300_000) }],
    ['with a body that is no JSON', 415, 'UNSUPPORTED_MEDIA_TYPE', { headers: { 'content-type': 'text/plain' } }],
    ['with an unknown method', 405, 'METHOD_NOT_ALLOWED', { method: 'DELETE' }],
  ] as [string, number, string, Omit<RequestInit, 'headers'> & { headers?: Record<string, string> }][])(
    '%s is an error in the type that it prefers',
    async (_what, status, code, init) => {
      for (const [accept, type] of [
        ['application/graphql-response+json, application/json;q=0.9', GRAPHQL_TYPE],
        ['application/json', JSON_TYPE],
        ['text/event-stream', JSON_TYPE],
      ] as const) {
        const response = await gateway.post(
          token,
          ME,
          {},
          {
            ...init,
            ...(init.method !== undefined && { body: null }),
            headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', accept, ...init.headers },
          },
        );
        expect([response.status, response.headers.get('content-type')]).toEqual([status, type]);
        expect(await response.json()).toMatchObject({ errors: [{ extensions: { code } }] });
      }
    },
  );
});

it('an error of validation has a code, and nothing of how it was found', async () => {
  const response = await ask('application/json', { query: '{ nothing }' });
  const { errors } = (await response.json()) as { errors: { extensions: object }[] };
  expect(errors.map(({ extensions }) => extensions)).toEqual([{ code: 'BAD_USER_INPUT' }]);
});

describe('an event stream', () => {
  it('tells of an operation that is refused in an event, and ends for an EventSource that connects again', async () => {
    for (const query of ['{', '{ nothing }', `subscription { vmEvents(vmId: "${GONE}") { seq } }`]) {
      const refused = await ask('text/event-stream', { query });
      expect([query, refused.status]).toEqual([query, 200]);
      expect(await refused.text()).toMatch(
        /^id: final\nevent: next\ndata: \{"errors":\[.*\n\nevent: complete\ndata:\n\n$/,
      );
      const again = await ask('text/event-stream', { query }, { 'last-event-id': 'final' });
      expect([query, again.status]).toEqual([query, 204]);
    }
  });

  it('of a VM that is gone is 204 at the reconnect, so that EventSource stops', async () => {
    const id = await gateway.createVm(token, 'mine');
    const queryOf = (vmId: string) => ({
      query: `subscription { vmEvents(vmId: "${vmId}", markers: true) { seq kind } }`,
    });
    const stream = await ask('text/event-stream', queryOf(id));
    const [, seq = ''] = /^id: (\d+)$/m.exec(await readUntil(stream, (seen) => seen.includes('SNAPSHOT_END'))) ?? [];
    expect(seq).not.toBe('');
    // The streams that were left count until the gateway has noticed.
    const reconnect = (vmId: string) =>
      eventually(async () => {
        const response = await ask('text/event-stream', queryOf(vmId), { 'last-event-id': seq });
        return response.status !== 429 && response;
      });
    const [kept, gone] = [await reconnect(id), await reconnect(GONE)];
    expect([kept.status, gone.status]).toEqual([200, 204]);
    await kept.body?.cancel();
  });

  it('that is cut between snapshots begins again: only what follows them is an id', async () => {
    const own = await gateway.token('snapshots');
    for (const label of ['one', 'two']) await gateway.createVm(own, label);
    const query = 'subscription { vmEvents(markers: true) { kind } }';
    const authorization = `Bearer ${own}`;
    const stream = await ask('text/event-stream', { query }, { authorization });
    const seen = await readUntil(stream, (text) => text.includes('SNAPSHOT_END'));
    const ids = seen.split('\n\n').flatMap((event) => {
      const [, kind] = /"kind":"(\w+)"/.exec(event) ?? [];
      return kind === undefined ? [] : [[kind, /^id: (\d+)$/m.exec(event)?.[1]]];
    });
    expect(ids).toEqual([
      ['SNAPSHOT', undefined],
      ['SNAPSHOT', undefined],
      ['SNAPSHOT_END', '2'],
    ]);
  });

  it('goes on behind Last-Event-ID where its address still has an older cursor', async () => {
    const own = await gateway.token('repeating');
    for (const label of ['one', 'two']) await gateway.createVm(own, label);
    const query = 'subscription { vmEvents(after: "0") { seq } }';
    const headers = { authorization: `Bearer ${own}`, 'last-event-id': '1' };
    const seen = await readUntil(await ask('text/event-stream', { query }, headers), (text) => text.includes('id: '));
    expect(/^id: (\d+)$/m.exec(seen)?.[1]).toBe('2');
  });

  it("says that graphql-sse's single connection mode is not offered", async () => {
    const response = await fetch(`${gateway.url}/graphql`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${token}` },
    });
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, POST']);
    expect(await response.text()).toContain('do not set singleConnection');
  });
});

describe('a persisted query, where none are configured', () => {
  const HASH = { persistedQuery: { version: 1, sha256Hash: 'a'.repeat(64) } };

  it('is answered with the error that makes the client send the document', async () => {
    for (const [accept, status] of [
      ['application/json', 200],
      ['application/graphql-response+json', 400],
    ] as const) {
      const response = await ask(accept, { extensions: JSON.stringify(HASH) });
      expect(response.status).toBe(status);
      expect(await response.json()).toMatchObject({ errors: [{ message: 'PersistedQueryNotSupported' }] });
    }
    const { socket, send, next } = await openKnownSocket(gateway.port, token);
    send({ id: '1', type: 'subscribe', payload: { extensions: HASH } });
    expect(await next(({ id }) => id === '1')).toMatchObject({ payload: [{ message: 'PersistedQueryNotSupported' }] });
    socket.close();
  });

  it('with its document runs', async () => {
    const response = await ask('application/json', { query: ME, extensions: JSON.stringify(HASH) });
    expect(await response.json()).toEqual({ data: { me: { userId: 'alice' } } });
  });
});

it('an empty operationName names none, on every transport', async () => {
  const expected = { data: { me: { userId: 'alice' } } };
  const request = { query: ME, operationName: '' };
  expect(await (await ask('application/json', request)).json()).toEqual(expected);
  expect(await (await ask('text/event-stream', request)).text()).toContain(JSON.stringify(expected));
  const posted = await gateway.post(token, ME, {}, { body: JSON.stringify(request) });
  expect(await posted.json()).toEqual(expected);
  const { socket, send, next } = await openKnownSocket(gateway.port, token);
  send({ id: '1', type: 'subscribe', payload: request });
  expect(await next(({ id }) => id === '1')).toMatchObject({ type: 'next', payload: expected });
  socket.close();
});

describe('a page', () => {
  const corsOf = ({ headers }: Response): Record<string, string> =>
    Object.fromEntries([...headers].filter(([name]) => name.startsWith('access-control-') || name === 'vary'));

  it.each([
    [APP, true],
    ['http://localhost:5173', true],
    [EVIL, false],
    ['null', false],
  ])('of the origin %s may use the API by HTTP and WebSocket: %s', async (origin, isAllowed) => {
    for (const path of ['/graphql?query={me{userId}}', '/vms', '/nothing', '/health/live']) {
      const headers = corsOf(
        await fetch(gateway.url + path, { headers: { origin, authorization: `Bearer ${token}` } }),
      );
      expect([path, headers]).toEqual([
        path,
        isAllowed
          ? {
              'access-control-allow-origin': origin,
              'access-control-expose-headers': 'Allow,Deprecation,Link,Retry-After,WWW-Authenticate,x-request-id',
              vary: 'Origin',
            }
          : { vary: 'Origin' },
      ]);
    }
    const { socket, send, closed, next } = await openRawSocket(gateway.port, { origin });
    if (!isAllowed)
      return expect(await closed).toEqual({
        code: 1008,
        reason: 'The origin of this page is not one of ALLOWED_ORIGINS',
      });
    send({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } });
    await next(({ type }) => type === 'connection_ack');
    socket.close();
  });

  it('may send the headers that its libraries add', async () => {
    const asked = 'authorization,baggage,content-type,sentry-trace,traceparent,x-request-id,apollographql-client-name';
    const preflight = (origin: string): Promise<Response> =>
      fetch(`${gateway.url}/graphql`, {
        method: 'OPTIONS',
        headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': asked },
      });
    const allowed = await preflight(APP);
    expect([allowed.status, corsOf(allowed)]).toEqual([
      204,
      {
        'access-control-allow-headers': asked,
        'access-control-allow-methods': 'GET,HEAD,POST,DELETE',
        'access-control-allow-origin': APP,
        'access-control-max-age': '86400',
        'access-control-expose-headers': 'Allow,Deprecation,Link,Retry-After,WWW-Authenticate,x-request-id',
        vary: 'Origin, Access-Control-Request-Headers',
      },
    ]);
    expect(corsOf(await preflight(EVIL))).toEqual({ vary: 'Origin' });
  });
});

describe('a WebSocket', () => {
  it('that is one too many closes with a code after which the stock client tries again', async () => {
    const own = await gateway.token('crowded');
    const open = await Promise.all([1, 2].map(() => openKnownSocket(gateway.port, own)));
    const client = createClient({
      url: `ws://127.0.0.1:${gateway.port}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: { authorization: `Bearer ${own}` },
      retryWait: async () => open[0]?.socket.close(),
      retryAttempts: 20,
    });
    const codes: unknown[] = [];
    client.on('closed', (event) => codes.push((event as CloseEvent).code));
    const { value } = await client.iterate({ query: ME }).next();
    expect(value).toEqual({ data: { me: { userId: 'crowded' } } });
    expect(codes[0]).toBe(4491);
    open[1]?.socket.close();
    await client.dispose();
  });
});

describe('the API', () => {
  /** The status of the answer to these bytes. */
  const statusOf = async (head: string): Promise<string> => {
    const socket = connect(gateway.port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(`${head}\r\nConnection: close\r\n\r\n`);
    const answer = await text(socket);
    return answer.slice(9, 12);
  };

  it.each([
    ['http://127.0.0.1:PORT/health/live', '127.0.0.1:PORT', '200'],
    ['http://127.0.0.1:PORT/graphql?query={me{userId}}', '127.0.0.1:PORT', '200'],
    ['http://127.0.0.1:PORT', '127.0.0.1:PORT', '404'],
    ['http://elsewhere.example/graphql?query={me{userId}}', '127.0.0.1:PORT', '404'],
  ])('takes a target in absolute form of its own host: GET %s at %s is %s', async (target, host, status) => {
    const head = `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}`;
    expect(await statusOf(head.replaceAll('PORT', String(gateway.port)))).toBe(status);
  });

  it.each([
    ['GET /health/live HTTP/1.0', '200'],
    ['GET /health/ready HTTP/1.0', '200'],
    ['GET /health/live HTTP/1.1\r\nHost: gateway:4000', '200'],
    ['GET /metrics HTTP/1.1\r\nHost: gateway:4000', '200'],
    ['GET http://gateway:4000/health/live HTTP/1.1\r\nHost: gateway:4000', '200'],
    ['GET http://gateway:4000/vms HTTP/1.1\r\nHost: gateway:4000', '404'],
    ['GET /health/other HTTP/1.1\r\nHost: gateway:4000', '404'],
    ['GET /vms HTTP/1.1\r\nHost: gateway:4000', '404'],
    ['GET /vms HTTP/1.0', '404'],
  ])('answers load balancers and scrapers under whatever name: %s is %s', async (head, status) => {
    expect(await statusOf(head)).toBe(status);
  });
});
