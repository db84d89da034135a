import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { getIntrospectionQuery } from 'graphql';
import { serverAudits } from 'graphql-http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MAX_INIT_BYTES, MESSAGES_PER_SECOND } from '../../src/graphql/transports/ws-connection.ts';
import { eventually } from '../support/eventually.ts';
import { createTestGateway, type TestGateway } from '../support/gateway.ts';
import { openKnownSocket, openRawSocket, type RawSocket } from '../support/raw-socket.ts';
import { createVm } from '../support/vms.ts';

const VIEWER = '{ me { userId } }';
const VM = '1aa62e52-e61c-4ae3-9ac2-c9cb1f46d25f';
const PERSISTED = { me: VIEWER, [sha256('{ regions { code } }')]: '{ regions { code } }' };
/** What the gateway has where nothing is set. */
const DEFAULTS = {
  RATE_PER_ACCOUNT: '100',
  RATE_PER_ADDRESS: '300',
  SOCKETS_PER_ACCOUNT: '10',
  SUBSCRIPTIONS_PER_SOCKET: '50',
  CONNECTIONS_PER_ADDRESS: '2000',
} as const;

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

let directory: string;
/** As in production, with every limit at its default and persisted operations besides. */
let production: TestGateway;
/** One point a second for an account, two for an address; who asks from where is said by X-Forwarded-For. */
let tight: TestGateway;
/** One point a second for an account, and any operation. */
let loose: TestGateway;
beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'swiftor-operations-'));
  const file = path.join(directory, 'operations.json');
  await writeFile(file, JSON.stringify(PERSISTED));
  production = await createTestGateway({
    env: {
      ...DEFAULTS,
      NODE_ENV: 'production',
      INTROSPECTION: '1',
      PERSISTED_OPERATIONS: file,
      BASE_DOMAIN: 'swiftor.io',
    },
  });
  tight = await createTestGateway({
    env: {
      RATE_PER_ACCOUNT: '1',
      RATE_PER_ADDRESS: '2',
      TRUSTED_PROXIES: '127.0.0.1',
      PERSISTED_OPERATIONS: file,
      PERSISTED_OPERATIONS_ONLY: '1',
    },
  });
  loose = await createTestGateway({ env: { RATE_PER_ACCOUNT: '1' } });
});
afterAll(async () => {
  await loose[Symbol.asyncDispose]();
  await production[Symbol.asyncDispose]();
  await tight[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

async function post(
  gateway: TestGateway,
  token: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(`${gateway.url}/graphql`, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}`, ...headers },
  });
}
interface Answer {
  readonly data?: unknown;
  readonly errors?: readonly {
    readonly message: string;
    readonly extensions: { readonly code: string; readonly retryAfterSeconds?: number };
  }[];
}
const answerOf = async (response: Promise<Response>): Promise<Answer> => (await (await response).json()) as Answer;
const codeOf = ({ errors }: Answer): string | undefined => errors?.[0]?.extensions.code;

describe('in production, with all limits on', () => {
  const audits = serverAudits({
    url: () => `${production.url}/graphql`,
    fetchFn: async (input: string, init: RequestInit = {}) => {
      const headers = new Headers(init.headers);
      headers.set('authorization', `Bearer ${await production.token('auditor')}`);
      return fetch(input, { ...init, headers });
    },
  });
  it('all 61 audits of GraphQL over HTTP pass', async () => {
    const results = await Promise.all(audits.map(async (audit) => [audit.name, (await audit.fn()).status]));
    expect(results.filter(([, status]) => status !== 'ok')).toEqual([]);
    expect(results).toHaveLength(61);
  });

  it('the schema is not told unless that is switched on, whatever fragment asks, nor guessed at; nor is GraphiQL there', async () => {
    await using closed = await createTestGateway({ env: { NODE_ENV: 'production' } });
    const token = await closed.token('curious');
    for (const query of [
      getIntrospectionQuery(),
      '{ __type(name: "Vm") { name } }',
      '{ ...__schema } fragment __schema on Query { __schema { types { name } } }',
      'query A { me { userId } } query B { ...on Query { s: __schema { types { name } } } }',
    ]) {
      expect([query, codeOf(await answerOf(post(closed, token, { query, operationName: 'A' })))]).toEqual([
        query,
        'BAD_USER_INPUT',
      ]);
      const told = await answerOf(post(production, token, { query }));
      if (!query.includes('query A')) expect([query, told.errors]).toEqual([query, undefined]);
    }
    const { errors } = await answerOf(post(closed, token, { query: '{ mee { userId } }' }));
    expect(errors?.[0]?.message).toContain('Cannot query field "mee"');
    expect(errors?.[0]?.message).not.toMatch(/did you mean|"me"/i);
    expect((await answerOf(post(closed, token, { query: '{ __typename }' }))).data).toEqual({ __typename: 'Query' });
    expect((await fetch(`${closed.url}/graphql`, { headers: { accept: 'text/html' } })).status).toBe(401);
  });

  it('only a Bearer token in the header lets anybody in', async () => {
    const token = await production.token('alice');
    const attempts: [string, Record<string, string>][] = [
      ['/graphql?query={me{userId}}', { cookie: `authorization=Bearer ${token}; token=${token}` }],
      [`/graphql?query={me{userId}}&authorization=Bearer%20${token}&access_token=${token}&token=${token}`, {}],
      [`/vms?access_token=${token}&authorization=Bearer%20${token}`, { cookie: `token=${token}` }],
      ['/vms', { 'x-authorization': `Bearer ${token}`, 'proxy-authorization': `Bearer ${token}` }],
      ['/vms', { authorization: `Basic ${btoa(`${token}:`)}` }],
      ['/vms', { authorization: token }],
    ];
    for (const [target, headers] of attempts) {
      expect([target, (await fetch(production.url + target, { headers })).status]).toEqual([target, 401]);
    }
  });

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/graphql',
    'application/jsonp',
    '',
  ])('a mutation sent as "%s" is refused, and not executed', async (type) => {
    const token = await production.token('forger');
    const id = await createVm(production, token);
    const query = `mutation { deleteVm(id: "${id}") }`;
    const multipart = `--x\r\nContent-Disposition: form-data; name="operations"\r\n\r\n${JSON.stringify({ query })}\r\n--x--\r\n`;
    for (const body of [JSON.stringify({ query }), `query=${encodeURIComponent(query)}`, query, multipart]) {
      // As bytes: for a text fetch() would name a type itself.
      const sent = await fetch(`${production.url}/graphql`, {
        method: 'POST',
        body: new TextEncoder().encode(body),
        headers: { authorization: `Bearer ${token}`, ...(type !== '' && { 'content-type': type }) },
      });
      expect(sent.status).toBe(415);
    }
    expect((await production.rest(token, 'GET', `/vms/${id}`)).status).toBe(200);
  });

  it('batches are refused', async () => {
    const body = [{ query: VIEWER }, { query: VIEWER }];
    expect(codeOf(await answerOf(post(production, await production.token('a'), body)))).toBe('BAD_USER_INPUT');
  });

  it('a body has 256 KiB and not a byte more', async () => {
    const token = await production.token('large');
    const bodyOf = (bytes: number): string => JSON.stringify({ query: VIEWER }).padEnd(bytes, ' ');
    expect((await post(production, token, bodyOf(256 * 1024))).status).toBe(200);
    expect((await post(production, token, bodyOf(256 * 1024 + 1))).status).toBe(413);
  });

  it('a document has 2,000 tokens and not more', async () => {
    const token = await production.token('long');
    const query = (tokens: number) => `{ vms(filter: { status: [${'RUNNING '.repeat(tokens - 16)}] }) { totalCount } }`;
    expect((await answerOf(post(production, token, { query: query(2_000) }))).data).toEqual({ vms: { totalCount: 0 } });
    expect((await answerOf(post(production, token, { query: query(2_001) }))).errors?.[0]?.message).toContain(
      'more than 2000 tokens',
    );
  });

  it('an operation costs 20,000 and not more, whichever way it comes', async () => {
    const token = await production.token('costly');
    // A page costs 1, and each of its VMs 53: itself, its id, the list, ten violations of five fields.
    const page = (name: string, size: string) =>
      `${name}: vms(first: ${size}) { nodes { id startViolations { limit used requested unit message } } }`;
    const typenames = (count: number) => Array.from({ length: count }, (_, index) => `t${index}: __typename`).join(' ');
    const ofCost = (cost: number) =>
      `query ($all: Int!) { ${page('a', '$all')} ${page('b', '$all')} ${page('c', '100')} ${page('d', '77')} ${typenames(cost - 3 * 5_301 - 4_082)} }`;
    const ask = (cost: number) => answerOf(post(production, token, { query: ofCost(cost), variables: { all: 100 } }));
    expect((await ask(20_000)).errors).toBeUndefined();
    const refused = await ask(20_001);
    expect([codeOf(refused), refused.data]).toEqual(['BAD_USER_INPUT', undefined]);
    expect(refused.errors?.[0]?.message).toMatch(/^The operation costs 20001, at most 20000/);

    const { socket, send, next } = await openKnownSocket(production.port, token);
    send({ id: '1', type: 'subscribe', payload: { query: ofCost(20_001), variables: { all: 100 } } });
    expect(await next(({ id }) => id === '1')).toMatchObject({
      type: 'error',
      payload: [{ extensions: { code: 'BAD_USER_INPUT' } }],
    });
    socket.close();
  });

  it.each([
    ['a circle of fragments', '{ ...A } fragment A on Query { ...B } fragment B on Query { ...A me { userId } }'],
    [
      'fragments that double',
      `{ ...F0 } ${Array.from({ length: 150 }, (_, index) => `fragment F${index} on Query { ...F${index + 1} ...F${index + 1} }`).join(' ')} fragment F150 on Query { me { userId } }`,
    ],
    [
      'introspection in a circle',
      `{ __schema { types { fields { type { fields { type { fields { type { name } } } } } } } }`,
    ],
    ['a field a thousand times', `{ ${'me { userId } '.repeat(450)} }`],
    [
      'a fragment named like introspection',
      `{ ...__schema } fragment __schema on Query { ${Array.from({ length: 51 }, (_, index) => `a${index}: regions { code }`).join(' ')} }`,
    ],
    ['a directive many times', `{ me ${'@skip(if: false) '.repeat(31)} { userId } }`],
    ['a fragment that spreads itself and that nothing spreads', '{ me { userId } } fragment A on Query { ...A }'],
  ])('%s is refused at once, and with 400 for who reads the status', async (_what, query) => {
    const begun = performance.now();
    const response = await post(
      production,
      await production.token('bomber'),
      { query },
      { accept: 'application/graphql-response+json' },
    );
    const { errors, data } = (await response.json()) as Answer;
    expect([response.status, errors?.[0]?.extensions, data]).toEqual([
      400,
      expect.objectContaining({ code: 'BAD_USER_INPUT' }),
      undefined,
    ]);
    expect(errors?.[0]?.extensions).not.toHaveProperty('http');
    expect(performance.now() - begun).toBeLessThan(3_000);
  });
});

describe('persisted operations', () => {
  const token = () => production.token('persisted');
  const hash = sha256('{ regions { code } }');

  it.each([
    ['by documentId', { documentId: 'me' }],
    ['by the hash of the document', { documentId: `sha256:${sha256(VIEWER)}` }],
    ['by extensions.persistedQuery', { extensions: { persistedQuery: { version: 1, sha256Hash: sha256(VIEWER) } } }],
  ])('are asked for %s, over HTTP, SSE and WebSocket', async (_what, request) => {
    const own = await token();
    const search = new URLSearchParams(
      Object.entries(request).map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]),
    );
    const headers = { authorization: `Bearer ${own}` };
    const expected = { data: { me: { userId: 'persisted' } } };
    expect(await answerOf(post(production, own, request))).toEqual(expected);
    expect(await answerOf(fetch(`${production.url}/graphql?${search.toString()}`, { headers }))).toEqual(expected);
    const stream = await post(production, own, request, { accept: 'text/event-stream' });
    expect(await stream.text()).toContain(JSON.stringify(expected));
    const { socket, send, next } = await openKnownSocket(production.port, own);
    send({ id: '1', type: 'subscribe', payload: { query: '', ...request } });
    expect(await next(({ type }) => type === 'next')).toMatchObject({ payload: expected });
    socket.close();
  });

  it('are one way among others, unless only they are taken', async () => {
    expect((await answerOf(post(production, await token(), { query: VIEWER }))).errors).toBeUndefined();
    const own = await tight.token('strict');
    expect((await answerOf(post(tight, own, { documentId: hash }))).data).toBeDefined();
    expect((await answerOf(post(tight, own, { query: VIEWER }))).data).toEqual({ me: { userId: 'strict' } });
    for (const request of [
      { query: '{ me { plan { code } } }' },
      { query: `${VIEWER} ` },
      { documentId: '__proto__' },
      {},
    ]) {
      expect([request, codeOf(await answerOf(post(tight, own, request)))]).toEqual([request, 'BAD_USER_INPUT']);
    }
    // The REST API's operations are our own.
    expect((await tight.rest(own, 'GET', '/vms')).status).toBe(200);
  });

  it('that are not there are said to be missing in the words that clients wait for', async () => {
    const { errors } = await answerOf(
      post(production, await token(), { extensions: { persistedQuery: { version: 1, sha256Hash: sha256('x') } } }),
    );
    expect(errors?.[0]?.message).toBe('PersistedQueryNotFound');
  });

  it.each([
    ['{', 'is not JSON'],
    ['[]', 'must be an object'],
    ['{"a":1}', 'must be an object'],
    ['{"a":"{"}', 'is not GraphQL'],
    [JSON.stringify({ [sha256('a')]: VIEWER }), `has the SHA-256 ${sha256(VIEWER)}`],
  ])('in a file such as %s keep the gateway from starting', async (text, message) => {
    const file = path.join(directory, 'bad.json');
    await writeFile(file, text);
    await expect(
      createTestGateway({ databaseUrl: 'postgresql://127.0.0.1:1/none', env: { PERSISTED_OPERATIONS: file } }),
    ).rejects.toThrow(message);
  });
});

describe('the rate', () => {
  let addresses = 0;
  /** An address that nobody has asked from. */
  const fresh = (): { 'x-forwarded-for': string } => ({ 'x-forwarded-for': `10.0.0.${(addresses += 1)}` });
  const countUntilRefused = async (ask: () => Promise<Response>): Promise<{ taken: number; refused: Response }> => {
    for (let taken = 0; ; taken += 1) {
      const response = await ask();
      if (response.status === 429) return { taken, refused: response };
      expect(response.status).toBeLessThan(400);
      await response.text();
    }
  };
  /** Ten at once; the clock goes on meanwhile, which may give one or two more on a slow machine. */
  const isTen = (count: number): boolean => count >= 10 && count <= 12;

  it('of an account is ten seconds of it at once, over GraphQL and REST from whatever addresses, and 429 says when again', async () => {
    const token = await tight.token('eager');
    let turn = 0;
    const { taken, refused } = await countUntilRefused(() => {
      turn += 1;
      const headers = fresh();
      return turn % 2 === 0
        ? tight.rest(token, 'GET', '/vms', { headers })
        : post(tight, token, { documentId: 'me' }, headers);
    });
    expect(isTen(taken), `${taken} were taken`).toBe(true);
    const seconds = Number(refused.headers.get('retry-after'));
    expect(seconds).toBe(1);
    for (const response of [
      await tight.rest(token, 'GET', '/vms', { headers: fresh() }),
      await post(tight, token, { documentId: 'me' }, fresh()),
    ]) {
      expect([response.status, await response.text()]).toEqual([429, expect.stringContaining('RATE_LIMITED')]);
    }
    // Nobody else waits with it, and it does not wait for longer than it was told.
    expect((await tight.rest(await tight.token('calm'), 'GET', '/vms', { headers: fresh() })).status).toBe(200);
    await eventually(async () => (await tight.rest(token, 'GET', '/vms', { headers: fresh() })).status === 200, {
      deadline: 5_000,
    });
  });

  it('counts five for a mutation', async () => {
    const token = await tight.token('writer');
    const { taken } = await countUntilRefused(() =>
      tight.rest(token, 'POST', '/vms/create', { body: CREATE, headers: fresh() }),
    );
    expect(taken).toBeGreaterThanOrEqual(2);
    expect(taken).toBeLessThanOrEqual(3);
  });

  it('counts one for each 100 tokens of a document that is new, also of one that is refused', async () => {
    const token = await loose.token('author');
    let seen = 0;
    // 1,000 tokens each, none like another.
    const { taken } = await countUntilRefused(() => {
      seen += 1;
      const query = `{ vms(filter: { status: [${'RUNNING '.repeat(980)}] }) { no${seen} } }`;
      return post(loose, token, { query });
    });
    expect(taken).toBe(1);
    const known = await loose.token('reader');
    const { taken: again } = await countUntilRefused(() => post(loose, known, { query: VIEWER }));
    expect(isTen(again), `${again} were taken`).toBe(true);
  });

  it('holds within a WebSocket, as an error of the operation, and the socket stays', async () => {
    const token = await tight.token('talker');
    const { socket, send, next } = await openKnownSocket(tight.port, token, { headers: fresh() });
    let taken = 0;
    for (; ; taken += 1) {
      send({ id: `${taken}`, type: 'subscribe', payload: { query: VIEWER } });
      const answer = await next(({ id, type }) => id === `${taken}` && type !== 'complete');
      if (answer.type === 'next') continue;
      expect(answer).toMatchObject({
        type: 'error',
        payload: [{ extensions: { code: 'RATE_LIMITED', retryAfterSeconds: 1 } }],
      });
      break;
    }
    expect(isTen(taken), `${taken} were taken`).toBe(true);
    expect(socket.readyState).toBe(socket.OPEN);
    socket.close();
  });

  it('of an address counts before anything is looked at: without a token, with a false one, at any path, and for sockets', async () => {
    const headers = fresh();
    const targets = ['/vms', '/graphql', '/nothing', '/openapi.json', '/health/ready'];
    let taken = 0;
    let refused: Response | undefined;
    for (; refused === undefined; taken += 1) {
      const response = await tight.rest(
        taken % 2 === 0 ? undefined : 'a.b.c',
        'GET',
        targets[taken % targets.length] ?? '',
        { headers },
      );
      await response.text();
      if (response.status === 429) refused = response;
    }
    expect(taken - 1).toBeGreaterThanOrEqual(20);
    expect(taken - 1).toBeLessThanOrEqual(24);
    expect(refused.headers.get('retry-after')).toBe('1');
    await expect(openRawSocket(tight.port, { headers })).rejects.toThrow('429');
    expect((await tight.rest(await tight.token('honest'), 'GET', '/vms', { headers })).status).toBe(429);
    // Whether the process lives is no matter of who asks too much.
    expect((await fetch(`${tight.url}/health/live`, { headers })).status).toBe(200);
    expect((await tight.rest(undefined, 'GET', '/vms', { headers: fresh() })).status).toBe(401);
  });

  it('never meets a page with 20 open VMs', async () => {
    const token = await production.token('busy');
    const { socket, send, next } = await openKnownSocket(production.port, token);
    send({ id: 'events', type: 'subscribe', payload: { query: 'subscription { vmEvents { seq } }' } });
    for (let vm = 0; vm < 20; vm += 1) {
      for (let round = 0; round < 5; round += 1)
        send({ id: `${vm}.${round}`, type: 'subscribe', payload: { query: `{ vm(id: "${VM}") { id } }` } });
    }
    for (let vm = 0; vm < 20; vm += 1) expect(await next(({ id }) => id === `${vm}.4`)).toMatchObject({ type: 'next' });
    socket.close();
  });
});

const CREATE = {
  config: { vmlabel: 'x', region: { code: 'AU' }, password: 'x' },
  os: { distribution: { code: 'ubuntu' }, desktop: 'xfce', cpu: 1, ram: 1 },
};

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

  it('of an account are ten, sockets and streams together; one that ends makes room', async () => {
    const token = await production.token('collector');
    const sockets = await Promise.all(Array.from({ length: 7 }, () => openKnownSocket(production.port, token)));
    const streams = [await openStream(token), await openStream(token), await openStream(token)];
    expect(streams.map(({ status }) => status)).toEqual([200, 200, 200]);

    const eleventh = await openRawSocket(production.port);
    eleventh.send({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } });
    expect(await eleventh.closed).toEqual({
      code: 4429,
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

  it('carry 50 subscriptions each; one that is completed makes room', async () => {
    const { socket, send, next } = await openKnownSocket(production.port, await production.token('subscriber'));
    const ids = Array.from({ length: 51 }, (_, index) => `s${index}`);
    for (const id of ids) send({ id, type: 'subscribe', payload: EVENTS });
    expect(await next(({ type }) => type === 'error')).toMatchObject({
      id: 's50',
      payload: [
        { message: 'A socket has at most 50 subscriptions; complete one first.', extensions: { code: 'RATE_LIMITED' } },
      ],
    });
    // Queries and mutations are none.
    send({ id: 'query', type: 'subscribe', payload: { query: VIEWER } });
    expect(await next(({ id }) => id === 'query')).toMatchObject({ type: 'next' });
    // One that ends gives its place back, perhaps a moment later where it was only just begun; one that is refused
    // takes none.
    send({ id: 's0', type: 'complete' });
    const bad = { query: `subscription { vmEvents(vmId: "${VM}") { seq } }` };
    let tries = 0;
    await eventually(async () => {
      const mine = `bad${(tries += 1)}`;
      send({ id: mine, type: 'subscribe', payload: bad });
      // The one that was completed may still have been about to begin.
      const { type, payload } = await next(({ id }) => id === mine);
      return type === 'next' && JSON.stringify(payload).includes('NOT_FOUND');
    });
    send({ id: 'more', type: 'subscribe', payload: EVENTS });
    send({ id: 'too many', type: 'subscribe', payload: EVENTS });
    expect(await next(({ type }) => type === 'error')).toMatchObject({ id: 'too many' });
    socket.close();
  });

  it('send 1,000 messages at once and not more', async () => {
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
    // The clock goes on meanwhile, and allows one more each 10 ms.
    const past = await chat(3 * most);
    expect(await past.closed).toEqual({ code: 4429, reason: 'Too many messages' });
    const pings = await openKnownSocket(production.port, token);
    for (let index = 0; index < 3 * most; index += 1) pings.socket.ping();
    // A client that goes on sending may lose the close frame.
    expect([4429, 1006]).toContain((await pings.closed).code);
  });

  it('begin with a connection_init of at most 8 KiB, and only one', async () => {
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

  it('are closed for a message past 256 KiB, for what is no message, and for asking before they are known', async () => {
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

  it('are closed when nobody says who they are within 5 s', async () => {
    expect((await (await openRawSocket(production.port)).closed).code).toBe(4408);
  });

  it.each([
    [`https://${VM}.swiftor.io`, false],
    [`https://app-${VM}.swiftor.io`, false],
    ['https://evil.example', false],
    ['null', false],
    ['https://swiftor.io', true],
    [undefined, true],
  ])('from a page of %s are opened: %s', async (origin, isOpened) => {
    const opened = openRawSocket(production.port, origin === undefined ? {} : { origin });
    if (!isOpened) return expect(opened).rejects.toThrow('403');
    (await opened).socket.close();
  });
});

describe('who is slow', () => {
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
    'with headers is cut after 10 s, with a body that trickles after 5 s with an answer, and holds up nobody',
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

  it('with a body that nobody reads does not keep the connection', async () => {
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

it('has so many connections of one address and not one more', async () => {
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
