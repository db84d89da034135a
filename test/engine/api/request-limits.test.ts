import { getIntrospectionQuery } from 'graphql';
import { serverAudits } from 'graphql-http';
import { describe, expect, it } from 'vitest';
import { createTestGateway } from '../../support/gateway/gateway.ts';
import { useOperationsFile, VIEWER } from '../../support/api/operations-file.ts';
import { answerOf, codeOf, postGraphql, type GraphqlAnswer } from '../../support/api/post-graphql.ts';
import { PRODUCTION_ENV } from '../../support/gateway/production-env.ts';
import { openKnownSocket } from '../../support/ingress/raw-socket.ts';
import { useGateway } from '../../support/gateway/use-gateway.ts';
import { createVm } from '../../support/vm/vms.ts';

const operations = useOperationsFile();
const production = useGateway(() => ({ env: { ...PRODUCTION_ENV, PERSISTED_OPERATIONS: operations.path } }));

describe('a gateway in production', () => {
  const audits = serverAudits({
    url: () => `${production.url}/graphql`,
    fetchFn: async (input: string, init: RequestInit = {}) => {
      const headers = new Headers(init.headers);
      headers.set('authorization', `Bearer ${await production.token('auditor')}`);
      return fetch(input, { ...init, headers });
    },
  });
  it('passes all 61 audits of GraphQL over HTTP', async () => {
    const results = await Promise.all(audits.map(async (audit) => [audit.name, (await audit.fn()).status]));
    expect(results.filter(([, status]) => status !== 'ok')).toEqual([]);
    expect(results).toHaveLength(61);
  });

  it('hides the schema, suggestions and GraphiQL unless introspection is switched on', async () => {
    await using closed = await createTestGateway({ env: { NODE_ENV: 'production' } });
    const token = await closed.token('curious');
    for (const query of [
      getIntrospectionQuery(),
      '{ __type(name: "Vm") { name } }',
      '{ ...__schema } fragment __schema on Query { __schema { types { name } } }',
      'query A { me { userId } } query B { ...on Query { s: __schema { types { name } } } }',
    ]) {
      expect([query, codeOf(await answerOf(postGraphql(closed, token, { query, operationName: 'A' })))]).toEqual([
        query,
        'BAD_USER_INPUT',
      ]);
      const open = await answerOf(postGraphql(production, token, { query }));
      if (!query.includes('query A')) expect([query, open.errors]).toEqual([query, undefined]);
    }
    const { errors } = await answerOf(postGraphql(closed, token, { query: '{ mee { userId } }' }));
    expect(errors?.[0]?.message).toContain('Cannot query field "mee"');
    expect(errors?.[0]?.message).not.toMatch(/did you mean|"me"/i);
    expect((await answerOf(postGraphql(closed, token, { query: '{ __typename }' }))).data).toEqual({
      __typename: 'Query',
    });
    expect((await fetch(`${closed.url}/graphql`, { headers: { accept: 'text/html' } })).status).toBe(406);
  });

  it('accepts a Bearer token in the header only', async () => {
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
  ])('refuses a mutation sent as "%s" and does not execute it', async (type) => {
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

  it('refuses batches', async () => {
    const body = [{ query: VIEWER }, { query: VIEWER }];
    expect(codeOf(await answerOf(postGraphql(production, await production.token('a'), body)))).toBe('BAD_USER_INPUT');
  });

  it('accepts bodies of up to 256 KiB', async () => {
    const token = await production.token('large');
    const bodyOf = (bytes: number): string => JSON.stringify({ query: VIEWER }).padEnd(bytes, ' ');
    expect((await postGraphql(production, token, bodyOf(256 * 1024))).status).toBe(200);
    expect((await postGraphql(production, token, bodyOf(256 * 1024 + 1))).status).toBe(413);
  });

  it('accepts documents of up to 2,000 tokens', async () => {
    const token = await production.token('long');
    const query = (tokens: number) => `{ vms(filter: { status: [${'RUNNING '.repeat(tokens - 16)}] }) { totalCount } }`;
    expect((await answerOf(postGraphql(production, token, { query: query(2_000) }))).data).toEqual({
      vms: { totalCount: 0 },
    });
    expect((await answerOf(postGraphql(production, token, { query: query(2_001) }))).errors?.[0]?.message).toContain(
      'more than 2000 tokens',
    );
  });

  it('accepts operations of a cost up to 20,000, over each transport', async () => {
    const token = await production.token('costly');
    // A page costs 1, and each of its VMs 53: itself, its id, the list, ten violations of five fields.
    const page = (name: string, size: string) =>
      `${name}: vms(first: ${size}) { nodes { id startViolations { limit used requested unit message } } }`;
    const typenames = (count: number) => Array.from({ length: count }, (_, index) => `t${index}: __typename`).join(' ');
    const ofCost = (cost: number) =>
      `query ($all: Int!) { ${page('a', '$all')} ${page('b', '$all')} ${page('c', '100')} ${page('d', '77')} ${typenames(cost - 3 * 5_301 - 4_082)} }`;
    const ask = (cost: number) =>
      answerOf(postGraphql(production, token, { query: ofCost(cost), variables: { all: 100 } }));
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
  ])('refuses %s at once, with status 400', async (_what, query) => {
    const begun = performance.now();
    const response = await postGraphql(
      production,
      await production.token('bomber'),
      { query },
      { accept: 'application/graphql-response+json' },
    );
    const { errors, data } = (await response.json()) as GraphqlAnswer;
    expect([response.status, errors?.[0]?.extensions, data]).toEqual([
      400,
      expect.objectContaining({ code: 'BAD_USER_INPUT' }),
      undefined,
    ]);
    expect(errors?.[0]?.extensions).not.toHaveProperty('http');
    expect(performance.now() - begun).toBeLessThan(3_000);
  });
});
