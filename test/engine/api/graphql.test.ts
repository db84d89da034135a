import { serverAudits } from 'graphql-http';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { getIntrospectionQuery } from 'graphql';
import { once } from 'node:events';
import { eventually } from '../../support/eventually.ts';
import { type GraphqlAnswer } from '../../support/gateway/gateway.ts';
import { createVm, VM_INPUT } from '../../support/vm/vms.ts';
import { testToken } from '../../support/gateway/tokens.ts';
import { useGateway } from '../../support/gateway/use-gateway.ts';

const gateway = useGateway();
const token = await testToken('alice');

const post = (body: string, headers: Record<string, string> = {}) =>
  fetch(`${gateway.url}/graphql`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}`, ...headers },
  });
const codeOf = async (response: Response) =>
  ((await response.json()) as { errors: { extensions: { code: string } }[] }).errors[0]?.extensions.code;
const CREATE = 'mutation ($input: CreateVmInput!) { createVm(input: $input) { id } }';

describe('GraphQL over HTTP', () => {
  const audits = serverAudits({
    url: () => `${gateway.url}/graphql`,
    fetchFn: async (input: string, init: RequestInit = {}) => {
      const headers = new Headers(init.headers);
      headers.set('authorization', `Bearer ${token}`);
      return fetch(input, { ...init, headers });
    },
  });
  it.each(audits.map((audit) => [audit.name, audit] as const))('passes the audit: %s', async (_name, audit) => {
    const result = await audit.fn();
    expect(result).toMatchObject({ status: 'ok' });
  });
  it('is audited in all 61 points', () => expect(audits).toHaveLength(61));
});

describe('a caller', () => {
  it.each([
    ['no token', ''],
    ['another scheme', 'Basic YTpi'],
    ['no JWT', 'Bearer x'],
    ['a signature of another key', `Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.AAAA`],
  ])('with %s is refused with 401 and WWW-Authenticate', async (_what, authorization) => {
    const response = await post('{"query":"{ me { userId } }"}', { authorization });
    expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
    expect(await codeOf(response)).toBe('UNAUTHENTICATED');
  });

  it('is the user of the token, with the plan of the token', async () => {
    const { data } = await gateway.graphql(
      await gateway.token('bob', { plan: 'hacker' }),
      '{ me { userId plan { code cpu } usage { cpu vms } } }',
    );
    expect(data).toEqual({ me: { userId: 'bob', plan: { code: 'hacker', cpu: 4 }, usage: { cpu: 0, vms: 0 } } });
  });

  it('sees its own VMs only', async () => {
    const id = await createVm(gateway, token);
    const stranger = await gateway.token('mallory');
    expect((await gateway.graphql(stranger, `{ vm(id: "${id}") { id } vms { totalCount } }`)).data).toEqual({
      vm: null,
      vms: { totalCount: 0 },
    });
    for (const mutation of [
      `startVm(id: "${id}") { id }`,
      `stopVm(id: "${id}") { id }`,
      `restartVm(id: "${id}") { id }`,
      `deleteVm(id: "${id}")`,
      `updateVm(input: { id: "${id}", vmlabel: "mine" }) { id }`,
      `setSecret(input: { vmId: "${id}", key: "K", value: "v" }) { key }`,
      `deleteSecret(vmId: "${id}", key: "VM_PASSWORD") { id }`,
      `addSubdomain(input: { vmId: "${id}", name: "x", internalPort: 80 }) { name }`,
      `removeSubdomain(vmId: "${id}", name: "x") { id }`,
      `createOpenLink(vmId: "${id}")`,
    ]) {
      const own = await gateway.graphql(stranger, `mutation { ${mutation} }`);
      const none = await gateway.graphql(
        stranger,
        `mutation { ${mutation.replace(id, '1aa62e52-e61c-4ae3-9ac2-c9cb1f46d25f')} }`,
      );
      expect([mutation, own.errors?.[0]?.extensions.code]).toEqual([mutation, 'NOT_FOUND']);
      expect(own).toEqual(none);
    }
  });
});

describe('invalid input', () => {
  it.each([
    ['a query that does not parse', '{"query":"{"}', 400],
    ['no query', '{}', 400],
    ['a batch', '[{"query":"{ __typename }"}]', 400],
    ['text that is not JSON', '{', 400],
    ['an unknown field', '{"query":"{ nothing }"}', 400],
  ])('such as %s is answered with a code', async (_what, body, status) => {
    const response = await post(body, { accept: 'application/graphql-response+json' });
    expect([response.status, await codeOf(response)]).toEqual([status, 'BAD_USER_INPUT']);
  });

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/graphql',
  ])('of the type %s is refused, because another site could send it', async (type) => {
    const response = await post('query=mutation', { 'content-type': type });
    expect([response.status, await codeOf(response)]).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE']);
  });

  it('above 256 KiB is refused', async () => {
    const response = await post(JSON.stringify({ query: `{ me { userId } } # ${'x'.repeat(300_000)}` }));
    expect([response.status, await codeOf(response)]).toEqual([413, 'PAYLOAD_TOO_LARGE']);
  });

  it.each([
    ['a document with too many tokens', `{ ${'me { userId } '.repeat(700)} }`],
    [
      'a document that is too deep',
      `{ __schema { types { ${'fields { type { '.repeat(10)} name ${'} }'.repeat(10)} } } }`,
    ],
    [
      'a document with too many aliases',
      `{ ${Array.from({ length: 450 }, (_, index) => `a${index}: regions { code }`).join(' ')} }`,
    ],
  ])('such as %s is refused', async (_what, query) => {
    const { errors, data } = await gateway.graphql(token, query);
    expect([errors?.[0]?.extensions.code, data ?? null]).toEqual(['BAD_USER_INPUT', null]);
  });

  it('is answered with the name of each invalid field, and changes nothing', async () => {
    const own = await gateway.token('careless');
    const { errors } = await gateway.graphql(own, CREATE, {
      input: { ...VM_INPUT, vmlabel: ' ', region: 'XX', desktop: 'cde', cpu: 0, ram: 2000, password: 'a\u0000b' },
    });
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT' });
    const fields = errors?.[0]?.extensions['fields'] as { path: string }[];
    expect(fields.map(({ path }) => path).toSorted()).toEqual([
      'input.cpu',
      'input.desktop',
      'input.password',
      'input.ram',
      'input.region',
      'input.vmlabel',
    ]);
    expect((await gateway.graphql(own, '{ vms { totalCount } }')).data).toEqual({ vms: { totalCount: 0 } });
  });

  it('is never repeated in an answer, because it may be a secret', async () => {
    const { errors } = await gateway.graphql(token, CREATE, {
      input: { ...VM_INPUT, cpu: 'hunter2', password: { secret: 'hunter3' } },
    });
    expect(errors).toBeDefined();
    expect(JSON.stringify(errors)).not.toMatch(/hunter/);
  });

  it('with characters that no database stores is the error of the client', async () => {
    const id = await createVm(gateway, token);
    const nul = '\u0000';
    for (const [query, variables] of [
      ['query ($t: String!) { vms(filter: { search: $t }) { totalCount } }', { t: nul }],
      ['query ($t: String!) { vms(filter: { region: $t }) { totalCount } }', { t: nul }],
      ['query ($t: String!) { vms(after: $t) { totalCount } }', { t: nul }],
      ['query ($t: ID!) { vm(id: $t) { id } }', { t: nul }],
      ['mutation ($t: String!, $id: ID!) { removeSubdomain(vmId: $id, name: $t) { id } }', { t: nul, id }],
      ['mutation ($t: String!, $id: ID!) { deleteSecret(vmId: $id, key: $t) { id } }', { t: nul, id }],
      [
        'mutation ($t: String!, $id: ID!) { setSecret(input: { vmId: $id, key: "K", value: $t }) { key } }',
        { t: nul, id },
      ],
      [
        'mutation ($t: String!, $id: ID!) { addSubdomain(input: { vmId: $id, name: $t, internalPort: 1 }) { name } }',
        { t: nul, id },
      ],
    ] as const) {
      const { errors = [] } = await gateway.graphql(token, query, variables);
      for (const { extensions } of errors)
        expect([query, extensions.code]).not.toEqual([query, 'INTERNAL_SERVER_ERROR']);
    }
  });
});

it('the gateway answers introspection within its limits', async () => {
  const { data, errors } = await gateway.graphql<{ __schema: { types: unknown[] } }>(token, getIntrospectionQuery());
  expect(errors).toBeUndefined();
  expect(data?.__schema.types.length).toBeGreaterThan(30);
});

interface Page {
  readonly totalCount: number;
  readonly nodes: readonly { readonly vmlabel: string }[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly hasPreviousPage: boolean; readonly endCursor: string };
}

it('a client pages forward through a list by cursors', async () => {
  const own = await gateway.token('pager');
  const labels = ['a', 'b', 'c', 'd', 'e'];
  for (const vmlabel of labels) await createVm(gateway, own, { vmlabel });
  const seen: string[] = [];
  let after: string | null = null;
  for (let page = 0; page < 3; page += 1) {
    const { data }: GraphqlAnswer<{ vms: Page }> = await gateway.graphql(
      own,
      'query ($after: String) { vms(first: 2, after: $after) { totalCount nodes { vmlabel } pageInfo { hasNextPage hasPreviousPage endCursor } } }',
      { after },
    );
    seen.push(...(data?.vms.nodes.map(({ vmlabel }) => vmlabel) ?? []));
    expect([data?.vms.totalCount, data?.vms.pageInfo.hasNextPage, data?.vms.pageInfo.hasPreviousPage]).toEqual([
      5,
      page < 2,
      page > 0,
    ]);
    after = data?.vms.pageInfo.endCursor ?? null;
  }
  expect(seen).toEqual(labels);
  const { data } = await gateway.graphql(
    own,
    '{ vms(filter: { search: "C", enabled: false, status: [STOPPED], region: "AU" }) { nodes { vmlabel } } }',
  );
  expect(data).toEqual({ vms: { nodes: [{ vmlabel: 'c' }] } });
});

describe('a live connection', () => {
  it('over WebSocket needs a token in connection_init', async () => {
    for (const params of [undefined, {}, { authorization: 'Bearer x' }, { authorization: 5 }]) {
      const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/graphql`, 'graphql-transport-ws');
      await once(socket, 'open');
      socket.send(JSON.stringify({ type: 'connection_init', payload: params }));
      const [code] = (await once(socket, 'close')) as [number];
      expect([params, code]).toEqual([params, 4403]);
    }
  });

  it('over WebSocket is closed when its token expires', async () => {
    const client = gateway.subscribe(await gateway.token('short', { ttlSeconds: 2 }));
    const ended = Promise.withResolvers<{ code: number }>();
    client.on('closed', (event) => ended.resolve(event as { code: number }));
    client.subscribe(
      { query: 'subscription { vmEvents { seq } }' },
      { next: () => undefined, error: () => undefined, complete: () => undefined },
    );
    expect((await ended.promise).code).toBe(4403);
    await client.dispose();
  });

  it('over SSE is closed when its token expires', async () => {
    const response = await post('{"query":"subscription { vmEvents { seq } }"}', {
      accept: 'text/event-stream',
      authorization: `Bearer ${await gateway.token('short', { ttlSeconds: 2 })}`,
    });
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    await response.text();
  });

  it('frees its subscription when its client disconnects, over WebSocket and over SSE', async () => {
    const readers = async (): Promise<number> => {
      const metrics = await (await fetch(`${gateway.url}/metrics`)).text();
      return Number(/^swiftor_event_subscribers (\d+)$/m.exec(metrics)?.[1]);
    };
    await eventually(async () => (await readers()) === 0);
    const client = gateway.subscribe(token);
    client.subscribe(
      { query: 'subscription { vmEvents { seq } }' },
      { next: () => undefined, error: () => undefined, complete: () => undefined },
    );
    const leaving = new AbortController();
    await fetch(`${gateway.url}/graphql`, {
      method: 'POST',
      body: '{"query":"subscription { vmEvents { seq } }"}',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream', authorization: `Bearer ${token}` },
      signal: leaving.signal,
    });
    await eventually(async () => (await readers()) === 2);
    await client.dispose();
    leaving.abort();
    await eventually(async () => (await readers()) === 0, { deadline: 10_000 });
  });
});

describe('server-sent events', () => {
  /** What a stream says until it has said enough: its events as id, event and data. */
  async function read(response: Response, enough: (events: readonly SseEvent[]) => boolean): Promise<SseEvent[]> {
    const events: SseEvent[] = [];
    let text = '';
    for await (const chunk of response.body ?? []) {
      text += new TextDecoder().decode(chunk);
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks.filter((each) => !each.startsWith(':'))) {
        const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1];
        events.push({
          id: field('id'),
          event: field('event'),
          data: JSON.parse(field('data') ?? 'null') as SseEvent['data'],
        });
      }
      if (enough(events)) break;
    }
    return events;
  }
  interface SseEvent {
    readonly id: string | undefined;
    readonly event: string | undefined;
    readonly data: { data?: { vmEvents?: { seq: string; kind: string } }; errors?: unknown } | null;
  }
  const QUERY = 'subscription { vmEvents { seq kind } }';
  const open = (own: string, headers: Record<string, string> = {}) =>
    fetch(`${gateway.url}/graphql?query=${encodeURIComponent(QUERY)}`, {
      headers: { accept: 'text/event-stream', authorization: `Bearer ${own}`, ...headers },
    });

  it('carry their cursor as id and continue after Last-Event-ID', async () => {
    const own = await gateway.token('resumer');
    const id = await createVm(gateway, own);
    const [first] = await read(await open(own), (events) => events.length === 1);
    expect([first?.id, first?.event, first?.data?.data?.vmEvents?.kind]).toEqual([undefined, 'next', 'SNAPSHOT']);
    for (const vmlabel of ['a', 'b', 'c']) {
      await gateway.graphql(own, 'mutation ($input: UpdateVmInput!) { updateVm(input: $input) { id } }', {
        input: { id, vmlabel },
      });
    }
    const missed = await read(await open(own, { 'last-event-id': '2' }), (events) => events.length === 2);
    expect(missed.map((event) => [event.id, event.data?.data?.vmEvents?.kind])).toEqual([
      ['3', 'CHANGED'],
      ['4', 'CHANGED'],
    ]);
  });

  it('end with complete, even for a query, and refuse a mutation by GET', async () => {
    const headers = { accept: 'text/event-stream', authorization: `Bearer ${token}` };
    const query = await fetch(`${gateway.url}/graphql?query={me{userId}}`, { headers });
    expect(await query.text()).toContain('event: next\ndata: {"data":{"me":{"userId":"alice"}}}\n\nevent: complete\n');
    const mutation = await fetch(
      `${gateway.url}/graphql?query=${encodeURIComponent('mutation { startVm(id: "x") { id } }')}`,
      { headers },
    );
    expect([mutation.status, await codeOf(mutation)]).toEqual([405, 'METHOD_NOT_ALLOWED']);
  });

  it.each([
    ['{}', 400],
    ['{"query":5}', 400],
    ['{"query":"{ me { userId } }","variables":[]}', 400],
    ['x', 400],
  ])('refuse %s', async (body, status) => {
    const response = await post(body, { accept: 'text/event-stream' });
    expect([response.status, await codeOf(response)]).toEqual([status, 'BAD_USER_INPUT']);
  });

  it('report as a result that a VM belongs to another account', async () => {
    const response = await post('{"query":"subscription { vmEvents(vmId: \\"x\\") { seq } }"}', {
      accept: 'text/event-stream',
    });
    expect(await response.text()).toContain('"code":"NOT_FOUND"');
  });
});
