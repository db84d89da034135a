import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { createDatabase } from '../../../src/db/database.ts';
import { pruneAudit } from '../../../src/audit/audit-store.ts';
import { eventually } from '../../support/eventually.ts';
import { executeSql } from '../../support/database/execute-sql.ts';
import { OPERATION_RULES } from '../../support/api/access-rules.ts';
import { type GraphqlAnswer } from '../../support/gateway/gateway.ts';
import { createVm, VM_INPUT } from '../../support/vm/vms.ts';
import { useGateway } from '../../support/gateway/use-gateway.ts';

const SECRET_VALUE = 'canary-9f3c';
const gateway = useGateway({
  distributions: [{ code: 'ubuntu', portForwarding: true }],
  env: { TRUSTED_PROXIES: '127.0.0.1', FORWARD_PORTS: '27298' },
});

interface Entry {
  readonly action: string;
  readonly actor: string | null;
  readonly address: string;
  readonly vmId: string;
  readonly vmlabel: string;
  readonly count: number;
  readonly details: readonly { readonly name: string; readonly value: string }[];
}
const ENTRY = 'action actor address vmId vmlabel count details { name value }';

/** The account's audit, oldest first. */
async function auditOf(token: string): Promise<Entry[]> {
  const { data } = await gateway.graphql<{ me: { audit: { nodes: Entry[] } } }>(
    token,
    `{ me { audit(first: 100) { nodes { ${ENTRY} } } } }`,
  );
  return (data?.me.audit.nodes ?? []).toReversed();
}
const actionsOf = async (token: string): Promise<string[]> => (await auditOf(token)).map(({ action }) => action);
const detailsOf = ({ details }: Entry): Record<string, string> =>
  Object.fromEntries(details.map(({ name, value }) => [name, value]));

/** Counts may be split where a minute ends. */
async function countOf(token: string, action: string): Promise<number> {
  return (await auditOf(token)).filter((entry) => entry.action === action).reduce((sum, { count }) => sum + count, 0);
}

/** Each mutation of the schema as a change, in an order in which each is one, with what the audit tells of it. */
const MUTATIONS: readonly (readonly [
  mutation: string,
  fields: string,
  action: string,
  details: Record<string, string>,
])[] = [
  [
    'updateVm',
    '(input: { id: ID, vmlabel: "renamed", cpu: 2 }) { id }',
    'VM_UPDATED',
    { vmlabel: 'renamed', cpu: '2' },
  ],
  [
    'setSecret',
    `(input: { vmId: ID, key: "API_KEY", value: "${SECRET_VALUE}" }) { key }`,
    'SECRET_SET',
    { key: 'API_KEY' },
  ],
  ['deleteSecret', '(vmId: ID, key: "API_KEY") { id }', 'SECRET_DELETED', { key: 'API_KEY' }],
  [
    'setSecrets',
    `(input: { vmId: ID, set: [{ key: "OTHER", value: "${SECRET_VALUE}" }] }) { id }`,
    'SECRET_SET',
    { key: 'OTHER' },
  ],
  [
    'addSubdomain',
    '(input: { vmId: ID, name: "web", internalPort: 8080, visibility: PRIVATE }) { name }',
    'SUBDOMAIN_ADDED',
    { name: 'web', internalPort: '8080', visibility: 'PRIVATE' },
  ],
  [
    'addPort',
    '(input: { vmId: ID, protocol: UDP, internalPort: 7 }) { address }',
    'PORT_ADDED',
    { protocol: 'udp', internalPort: '7', publicPort: '27298' },
  ],
  [
    'removePort',
    '(vmId: ID, protocol: UDP, internalPort: 7) { id }',
    'PORT_REMOVED',
    { protocol: 'udp', internalPort: '7' },
  ],
  ['createOpenLink', '(vmId: ID, name: "web")', 'OPEN_LINK_CREATED', { name: 'web' }],
  ['openVm', '(vmId: ID) { url }', 'OPEN_LINK_CREATED', {}],
  ['shareVm', '(vmId: ID, role: CONTROL, for: "90s") { url }', 'VM_SHARED', { role: 'CONTROL', minutes: '2' }],
  ['endAccess', '(vmId: ID) { id }', 'ACCESS_ENDED', { accesses: '3' }],
  ['removeSubdomain', '(vmId: ID, name: "web") { id }', 'SUBDOMAIN_REMOVED', { name: 'web' }],
  ['startVm', '(id: ID) { id }', 'VM_STARTED', {}],
  ['restartVm', '(id: ID) { id }', 'VM_RESTARTED', {}],
  ['stopVm', '(id: ID) { id }', 'VM_STOPPED', {}],
  ['deleteVm', '(id: ID)', 'VM_DELETED', {}],
];

describe('a change', () => {
  it('is recorded once by every mutation, with actor, address and details, and outlives its VM', async () => {
    const token = await gateway.token('auditor');
    const id = await createVm(gateway, token);
    for (const [mutation, fields, action] of MUTATIONS) {
      const query = `mutation { ${mutation}${fields.replace('ID', JSON.stringify(id))} }`;
      const { errors } = await gateway.graphql(token, query);
      expect([mutation, errors]).toEqual([mutation, undefined]);
      expect((await actionsOf(token)).at(-1)).toBe(action);
    }
    await eventually(
      async () => (await gateway.graphql<{ vm: unknown }>(token, `{ vm(id: "${id}") { id } }`)).data?.vm === null,
      {
        deadline: 30_000,
      },
    );
    const [created, ...told] = await auditOf(token);
    const { vmlabel, password, ...specs } = VM_INPUT;
    expect(created).toMatchObject({
      action: 'VM_CREATED',
      actor: 'auditor',
      address: '127.0.0.1',
      vmId: id,
      vmlabel,
      count: 1,
    });
    expect(created && detailsOf(created)).toMatchObject({ ...specs, cpu: '1', ram: '1', storageType: 'EPHEMERAL' });
    expect(JSON.stringify(created)).not.toContain(password);
    expect(told.map((entry) => [entry.action, detailsOf(entry)])).toEqual(
      MUTATIONS.map(([, , action, details]) => [action, details]),
    );
    expect(new Set(told.map(({ actor, address, vmId }) => `${actor} ${address} ${vmId}`))).toEqual(
      new Set([`auditor 127.0.0.1 ${id}`]),
    );
  });

  it('has a case in this test for every mutation of a VM', () => {
    // Of what needs a VM that runs, test/engine/api/vm-exec.test.ts has it.
    const ofVms = Object.entries(OPERATION_RULES).flatMap(([name, rule]) =>
      name.startsWith('Mutation.') && rule.of === 'vm' && rule.fails === undefined ? [name.slice(9)] : [],
    );
    expect(['createVm', ...MUTATIONS.map(([mutation]) => mutation)].toSorted()).toEqual(
      ['createVm', ...ofVms].toSorted(),
    );
  });

  it('is not recorded if nothing changed, if it was refused, or if another account tried it', async () => {
    const token = await gateway.token('quiet');
    const id = await createVm(gateway, token, { idempotencyKey: 'once' });
    await createVm(gateway, token, { idempotencyKey: 'once' });
    const stranger = await gateway.token('stranger');
    const run = (who: string, mutation: string) => gateway.graphql(who, `mutation { ${mutation} }`);
    await run(token, `stopVm(id: "${id}") { id }`);
    await run(token, `updateVm(input: { id: "${id}", vmlabel: "${VM_INPUT.vmlabel}" }) { id }`);
    await run(token, `setSecret(input: { vmId: "${id}", key: "PATH", value: "x" }) { key }`);
    await run(token, `deleteSecret(vmId: "${id}", key: "NONE") { id }`);
    await run(token, `createOpenLink(vmId: "${id}", name: "none")`);
    await run(stranger, `startVm(id: "${id}") { id }`);
    expect(await actionsOf(token)).toEqual(['VM_CREATED']);
    expect(await actionsOf(stranger)).toEqual([]);
  });

  it('over REST and over WebSocket is recorded with the address that a trusted proxy reports', async () => {
    const token = await gateway.token('afar');
    const id = await createVm(gateway, token);
    const headers = { 'x-forwarded-for': '6.6.6.6, 203.0.113.9' };
    expect(
      (await gateway.rest(token, 'POST', '/vms/secrets', { body: { vmid: id, key: 'A', value: 'b' }, headers })).status,
    ).toBe(200);
    const client = gateway.subscribe(token);
    const answered = Promise.withResolvers<void>();
    client.subscribe(
      { query: `mutation { startVm(id: "${id}") { id } }` },
      { next: () => undefined, error: answered.reject, complete: answered.resolve },
    );
    await answered.promise;
    await client.dispose();
    await gateway.graphql(token, `mutation { deleteVm(id: "${id}") }`);
    expect((await auditOf(token)).map(({ action, address }) => [action, address])).toEqual([
      ['VM_CREATED', '127.0.0.1'],
      ['SECRET_SET', '203.0.113.9'],
      ['VM_STARTED', '127.0.0.1'],
      ['VM_DELETED', '127.0.0.1'],
    ]);
  });
});

it('a start that the plan refuses is recorded with each dimension, and repetitions are counted', async () => {
  const token = await gateway.token('greedy', { plan: 'core' });
  const id = await createVm(gateway, token, { cpu: 2, ram: 4 });
  for (const at of ['start', 'start', 'start'])
    expect((await gateway.rest(token, 'POST', `/vms/${at}/${id}`)).status).toBe(400);
  await gateway.graphql(token, `mutation { restartVm(id: "${id}") { id } }`);
  const refused = (await auditOf(token)).filter(({ action }) => action === 'START_REFUSED');
  expect(refused.length).toBeLessThanOrEqual(2);
  expect(refused.map(detailsOf)).toEqual(refused.map(() => ({ dimensions: 'CPU RAM' })));
  expect(await countOf(token, 'START_REFUSED')).toBe(4);
});

describe('a read of secret values', () => {
  it('is recorded and counted for each VM, over GraphQL and REST, unlike a read of their names', async () => {
    const token = await gateway.token('reader');
    const ids = [await createVm(gateway, token), await createVm(gateway, token)];
    // One without secrets has nothing that could be read.
    await gateway.graphql(
      token,
      `mutation { deleteSecret(vmId: "${await createVm(gateway, token)}", key: "VM_PASSWORD") { id } }`,
    );
    await gateway.graphql(token, '{ vms { nodes { secrets { key updatedAt } } } }');
    expect(await countOf(token, 'SECRETS_READ')).toBe(0);
    await gateway.graphql(token, '{ vms { nodes { secrets { key value } } } }');
    await gateway.graphql(token, `{ vm(id: "${ids[0]}") { secrets { ...S } } } fragment S on VmSecret { value }`);
    await gateway.rest(token, 'GET', '/vms/secrets');
    const reads = (await auditOf(token)).filter(({ action }) => action === 'SECRETS_READ');
    const counts = ids.map((id) => reads.filter(({ vmId }) => vmId === id).reduce((sum, { count }) => sum + count, 0));
    expect(counts).toEqual([3, 2]);
    expect(reads.map(({ vmId }) => vmId).filter((id) => !ids.includes(id))).toEqual([]);
    expect(reads.length).toBeLessThanOrEqual(4);
  });

  it('is recorded for each event of a subscription that selects them', async () => {
    const token = await gateway.token('watcher');
    const id = await createVm(gateway, token);
    const client = gateway.subscribe(token);
    const seen = Promise.withResolvers<void>();
    const unsubscribe = client.subscribe<{ vmEvents: { vm: { secrets: { value: string }[] } } }>(
      { query: 'subscription { vmEvents { vm { secrets { value } } } }' },
      {
        next: ({ data }) =>
          data?.vmEvents.vm.secrets[0]?.value === VM_INPUT.password ? seen.resolve() : seen.reject(data),
        error: seen.reject,
        complete: () => undefined,
      },
    );
    await seen.promise;
    unsubscribe();
    await client.dispose();
    expect((await auditOf(token)).filter(({ action }) => action === 'SECRETS_READ')).toMatchObject([
      { vmId: id, address: '127.0.0.1' },
    ]);
  });

  it('is counted correctly under concurrent reads', async () => {
    const token = await gateway.token('crowd');
    for (let count = 0; count < 3; count += 1) await createVm(gateway, token);
    const answers = await Promise.all(Array.from({ length: 30 }, () => gateway.rest(token, 'GET', '/vms/secrets')));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(await countOf(token, 'SECRETS_READ')).toBe(90);
  });

  it('is recorded without the values', async () => {
    const { rows } = await executeSql(gateway.databaseUrl, 'select audit::text as line from audit');
    const text = (rows as { line: string }[]).map(({ line }) => line).join('\n');
    expect(text).toContain('API_KEY');
    for (const secret of [SECRET_VALUE, VM_INPUT.password]) expect(text).not.toContain(secret);
  });
});

it('a redeemed link is recorded once, with the address of its holder', async () => {
  const token = await gateway.token('sharer');
  const id = await createVm(gateway, token);
  const { data } = await gateway.graphql<{ createOpenLink: string }>(
    token,
    `mutation { createOpenLink(vmId: "${id}") }`,
  );
  const link = new URL(data?.createOpenLink ?? '');
  const visit = async (): Promise<number | undefined> => {
    const headers = { host: link.host, 'x-forwarded-for': '198.51.100.7' };
    const [reply] = (await once(
      get({ port: gateway.port, path: link.pathname + link.search, headers }),
      'response',
    )) as [IncomingMessage];
    reply.resume();
    return reply.statusCode;
  };
  expect(await visit()).toBe(303);
  expect(await visit()).not.toBe(303);
  const redeemed = (await auditOf(token)).filter(({ action }) => action === 'OPEN_LINK_REDEEMED');
  expect(redeemed).toMatchObject([{ actor: null, address: '198.51.100.7', vmId: id, vmlabel: VM_INPUT.vmlabel }]);
});

describe('the list of entries', () => {
  it('is paged by cursors, newest first, with each entry once', async () => {
    const token = await gateway.token('pager');
    const id = await createVm(gateway, token);
    for (const vmlabel of ['a', 'b', 'c', 'd']) {
      await gateway.graphql(token, `mutation { updateVm(input: { id: "${id}", vmlabel: "${vmlabel}" }) { id } }`);
    }
    interface Page {
      readonly edges: readonly { readonly node: Entry }[];
      readonly pageInfo: {
        readonly hasNextPage: boolean;
        readonly hasPreviousPage: boolean;
        readonly endCursor: string;
      };
    }
    const seen: (string | undefined)[] = [];
    let after: string | null = null;
    for (let page = 0; page < 3; page += 1) {
      const { data }: GraphqlAnswer<{ me: { audit: Page } }> = await gateway.graphql(
        token,
        `query ($after: String) { me { audit(first: 2, after: $after) { edges { node { ${ENTRY} } } pageInfo { hasNextPage hasPreviousPage endCursor } } } }`,
        { after },
      );
      const audit: Page | undefined = data?.me.audit;
      seen.push(...(audit?.edges.map(({ node }) => detailsOf(node)['vmlabel']) ?? []));
      expect([audit?.pageInfo.hasNextPage, audit?.pageInfo.hasPreviousPage]).toEqual([page < 2, page > 0]);
      after = audit?.pageInfo.endCursor ?? null;
    }
    expect(seen).toEqual(['d', 'c', 'b', 'a', undefined]);
  });

  it.each(['(first: 0)', '(first: 101)', '(after: "x")', `(after: "${Buffer.from('vm:1').toString('base64url')}")`])(
    'refuses %s',
    async (args) => {
      const { errors } = await gateway.graphql(
        await gateway.token('pager'),
        `{ me { audit${args} { nodes { action } } } }`,
      );
      expect(errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT');
    },
  );

  it('drops old entries', async () => {
    const token = await gateway.token('aged');
    const id = await createVm(gateway, token);
    await gateway.graphql(token, `mutation { updateVm(input: { id: "${id}", vmlabel: "new" }) { id } }`);
    await executeSql(
      gateway.databaseUrl,
      `update audit set at = now() - interval '91 days' where user_id = 'aged' and action = 'VM_CREATED'`,
    );
    const db = createDatabase(gateway.databaseUrl, { max: 1 });
    await pruneAudit(db, 90).finally(() => db.destroy());
    expect(await actionsOf(token)).toEqual(['VM_UPDATED']);
  });
});
