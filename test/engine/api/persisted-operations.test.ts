import { describe, expect, it } from 'vitest';
import { createTestGateway } from '../../support/gateway/gateway.ts';
import { REGIONS_HASH, sha256, useOperationsFile, VIEWER } from '../../support/api/operations-file.ts';
import { answerOf, codeOf, postGraphql } from '../../support/api/post-graphql.ts';
import { PRODUCTION_ENV } from '../../support/gateway/production-env.ts';
import { openKnownSocket } from '../../support/ingress/raw-socket.ts';
import { useGateway } from '../../support/gateway/use-gateway.ts';

const operations = useOperationsFile();
const production = useGateway(() => ({ env: { ...PRODUCTION_ENV, PERSISTED_OPERATIONS: operations.path } }));
const strict = useGateway(() => ({
  env: { PERSISTED_OPERATIONS: operations.path, PERSISTED_OPERATIONS_ONLY: '1' },
}));

describe('persisted operations', () => {
  const token = () => production.token('persisted');

  it.each([
    ['by documentId', { documentId: 'me' }],
    ['by the hash of the document', { documentId: `sha256:${sha256(VIEWER)}` }],
    ['by extensions.persistedQuery', { extensions: { persistedQuery: { version: 1, sha256Hash: sha256(VIEWER) } } }],
  ])('are found %s, over HTTP, SSE and WebSocket', async (_what, request) => {
    const own = await token();
    const search = new URLSearchParams(
      Object.entries(request).map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]),
    );
    const headers = { authorization: `Bearer ${own}` };
    const expected = { data: { me: { userId: 'persisted' } } };
    expect(await answerOf(postGraphql(production, own, request))).toEqual(expected);
    expect(await answerOf(fetch(`${production.url}/graphql?${search.toString()}`, { headers }))).toEqual(expected);
    const stream = await postGraphql(production, own, request, { accept: 'text/event-stream' });
    expect(await stream.text()).toContain(JSON.stringify(expected));
    const { socket, send, next } = await openKnownSocket(production.port, own);
    send({ id: '1', type: 'subscribe', payload: request });
    expect(await next(({ type }) => type === 'next')).toMatchObject({ payload: expected });
    socket.close();
  });

  it('are optional unless PERSISTED_OPERATIONS_ONLY is set', async () => {
    expect((await answerOf(postGraphql(production, await token(), { query: VIEWER }))).errors).toBeUndefined();
    const own = await strict.token('strict');
    expect((await answerOf(postGraphql(strict, own, { documentId: REGIONS_HASH }))).data).toBeDefined();
    expect((await answerOf(postGraphql(strict, own, { query: VIEWER }))).data).toEqual({ me: { userId: 'strict' } });
    for (const request of [
      { query: '{ me { plan { code } } }' },
      { query: `${VIEWER} ` },
      { documentId: '__proto__' },
      {},
    ]) {
      expect([request, codeOf(await answerOf(postGraphql(strict, own, request)))]).toEqual([request, 'BAD_USER_INPUT']);
    }
    // The REST API's operations are our own.
    expect((await strict.rest(own, 'GET', '/vms')).status).toBe(200);
  });

  it('that do not exist are answered with the message that clients expect', async () => {
    const { errors } = await answerOf(
      postGraphql(production, await token(), {
        extensions: { persistedQuery: { version: 1, sha256Hash: sha256('x') } },
      }),
    );
    expect(errors?.[0]?.message).toBe('PersistedQueryNotFound');
  });

  it.each([
    ['{', 'is not JSON'],
    ['[]', 'must be an object'],
    ['{"a":1}', 'must be an object'],
    ['{"a":"{"}', 'is not GraphQL'],
    [JSON.stringify({ [sha256('a')]: VIEWER }), `has the SHA-256 ${sha256(VIEWER)}`],
  ])('in an invalid file such as %s prevent the start', async (text, message) => {
    const file = await operations.write('bad.json', text);
    await expect(
      createTestGateway({ databaseUrl: 'postgresql://127.0.0.1:1/none', env: { PERSISTED_OPERATIONS: file } }),
    ).rejects.toThrow(message);
  });
});
