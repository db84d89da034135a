import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { executeSql } from '../../support/database/execute-sql.ts';
import { startApi, type Api } from '../../support/api/api.ts';
import { CREATE_API_TOKEN, createApiToken, LIST_API_TOKENS } from '../../support/api/api-tokens.ts';
import { newAccount, testToken } from '../../support/gateway/tokens.ts';
import { useApi } from '../../support/api/use-api.ts';
import { openKnownSocket } from '../../support/ingress/raw-socket.ts';
import { readUntil } from '../../support/read-until.ts';

const ENV = { SECRETS_KEY: Buffer.alloc(32, 5).toString('base64') };
const api = useApi(ENV);
/** Another gateway on the same database. */
let other: Api;
beforeAll(async () => {
  other = await startApi({ ...ENV, DATABASE_URL: api.databaseUrl });
});
afterAll(() => other?.[Symbol.asyncDispose]());

const REVOKE = 'mutation ($id: ID!) { revokeApiToken(id: $id) }';
const SECRETS = 'query ($id: ID!) { vm(id: $id) { secrets { key value } } }';

async function codeOf(by: string, query: string, variables: Record<string, unknown> = {}): Promise<string | undefined> {
  return (await api.graphql(by, query, variables)).errors?.[0]?.extensions.code;
}

/** A user with a VM. */
async function newOwner(): Promise<{ user: string; session: string; id: string }> {
  const user = newAccount('tokens');
  const session = await testToken(user);
  return { user, session, id: await api.createVm(session, 'mine') };
}

it('each scope allows what it says, over GraphQL and REST', async () => {
  const { session, id } = await newOwner();
  const [read, operate, admin] = await Promise.all(
    ['READ', 'OPERATE', 'ADMIN'].map(async (scope) => (await createApiToken(api, session, { scope })).token),
  );
  const rename = `mutation ($id: ID!) { updateVm(input: { id: $id, vmlabel: "new" }) { id } }`;
  const asks = (token = '') =>
    Promise.all([
      codeOf(token, 'query ($id: ID!) { vm(id: $id) { id secrets { key } } }', { id }),
      codeOf(token, SECRETS, { id }),
      codeOf(token, rename, { id }),
      codeOf(token, LIST_API_TOKENS),
      codeOf(token, CREATE_API_TOKEN, { input: { name: 'x', scope: 'READ' } }),
      codeOf(token, '{ operator { drainedRegions { region } } }'),
    ]);
  const [no, yes] = ['FORBIDDEN', undefined];
  expect(await asks(read)).toEqual([yes, no, no, no, no, no]);
  expect(await asks(operate)).toEqual([yes, yes, yes, no, no, no]);
  expect(await asks(admin)).toEqual([yes, yes, yes, yes, yes, no]);
  const rest = async (token = '', method = 'GET', path = `/vms/${id}`) => (await api.rest(token, method, path)).status;
  expect([await rest(read), await rest(read, 'POST', `/vms/start/${id}`)]).toEqual([200, 403]);
  expect([await rest(read, 'GET', '/vms/secrets'), await rest(operate, 'POST', `/vms/start/${id}`)]).toEqual([
    403, 200,
  ]);
});

it('a token is told once, and the database has only its hash', async () => {
  const { session } = await newOwner();
  const { token } = await createApiToken(api, session, { scope: 'READ' });
  expect(token).toMatch(/^swt_[\w-]{43}$/);
  expect(JSON.stringify(await api.graphql(session, LIST_API_TOKENS))).not.toContain(token);
  const { rows } = await executeSql(api.databaseUrl, 'select t::text as line from api_token t');
  expect(rows.length).toBeGreaterThan(0);
  expect(JSON.stringify(rows)).not.toContain(token.slice(4));
  expect(api.lines.filter((line) => line.includes(token))).toEqual([]);
});

it("a service account's token works on its owner's VMs, and the audit names it", async () => {
  const { user, session, id } = await newOwner();
  const { token } = await createApiToken(api, session, { scope: 'OPERATE', serviceAccount: 'ci' });
  await api.graphql(token, 'mutation ($id: ID!) { startVm(id: $id) { id } }', { id });
  const { data } = await api.graphql(session, '{ me { audit(first: 2) { nodes { actor action } } } }');
  expect(data).toEqual({
    me: {
      audit: {
        nodes: [
          { actor: 'service:ci', action: 'VM_STARTED' },
          { actor: user, action: 'API_TOKEN_CREATED' },
        ],
      },
    },
  });
});

describe('a revocation', () => {
  it('ends requests, sockets and event streams on every gateway, and accesses, within a second', async () => {
    const { session, id } = await newOwner();
    const { token, id: tokenId } = await createApiToken(api, session, { scope: 'OPERATE' });
    const kept = await createApiToken(api, session, { scope: 'READ' });
    await api.graphql(token, 'mutation ($id: ID!) { createOpenLink(vmId: $id) }', { id });
    // Both gateways have it in their caches.
    for (const each of [api, other]) expect((await each.rest(token, 'GET', '/vms')).status).toBe(200);
    const sockets = await Promise.all([openKnownSocket(api.port, token), openKnownSocket(other.port, token)]);
    const bystander = await openKnownSocket(other.port, kept.token);
    const streams = await Promise.all(
      [api, other].map((each) => each.rest(token, 'GET', '/vms/events', { headers: { accept: 'text/event-stream' } })),
    );
    const ended = Promise.all(streams.map((stream) => readUntil(stream, () => false)));
    const closed = Promise.all(sockets.map(({ closed: close }) => close));

    const begun = performance.now();
    expect((await api.graphql(session, REVOKE, { id: tokenId })).errors).toBeUndefined();
    expect((await closed).map(({ code }) => code)).toEqual([4403, 4403]);
    await ended;
    const took = performance.now() - begun;
    for (const each of [api, other]) expect((await each.rest(token, 'GET', '/vms')).status).toBe(401);
    expect(bystander.socket.readyState).toBe(WebSocket.OPEN);
    bystander.socket.terminate();
    expect(took).toBeLessThan(1_000);
    const { rows } = await executeSql(api.databaseUrl, 'select from vm_access where api_token_id is not null');
    expect(rows).toEqual([]);
  });

  it("is refused for another account's token", async () => {
    const { session } = await newOwner();
    const stranger = await newOwner();
    const { token, id } = await createApiToken(api, session, { scope: 'READ' });
    for (const each of [id, 'no-uuid']) expect(await codeOf(stranger.session, REVOKE, { id: each })).toBe('NOT_FOUND');
    expect((await api.rest(token, 'GET', '/vms')).status).toBe(200);
  });
});

it.each([
  [{ name: '' }, 'input.name'],
  [{ name: 'a\nb' }, 'input.name'],
  [{ expiresIn: 'never' }, 'input.expiresIn'],
  [{ expiresIn: '4000d' }, 'input.expiresIn'],
  [{ serviceAccount: 'Not This' }, 'input.serviceAccount'],
])('%j is refused by its field', async (input, path) => {
  const { session } = await newOwner();
  const { errors } = await api.graphql(session, CREATE_API_TOKEN, { input: { name: 'x', scope: 'READ', ...input } });
  expect(errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', fields: [{ path }] });
});

it('an account has at most 100 tokens', async () => {
  const { user, session } = await newOwner();
  await executeSql(
    api.databaseUrl,
    `insert into api_token (user_id, name, scope, hash, expires_at)
     select '${user}', 'many', 'READ', sha256(('${user}' || n)::bytea), now() + interval '1 day'
     from generate_series(1, 100) n`,
  );
  expect(await codeOf(session, CREATE_API_TOKEN, { input: { name: 'x', scope: 'READ' } })).toBe('CONFLICT');
});
