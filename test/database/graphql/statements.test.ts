import { getNamedType, isObjectType, type GraphQLField, type GraphQLObjectType } from 'graphql';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AccountSockets } from '../../../src/auth/account-sockets.ts';
import { createAuthenticate } from '../../../src/auth/authenticate.ts';
import { createVerifyToken, signToken } from '../../../src/auth/jwt.ts';
import { RateLimits } from '../../../src/auth/rate-limits.ts';
import { StreamAdmission } from '../../../src/auth/stream-admission.ts';
import { ExecPlaces } from '../../../src/vm/inside/exec-places.ts';
import { loadCatalog } from '../../../src/catalog/catalog.ts';
import { createDatabase, type Db } from '../../../src/db/database.ts';
import { Gateway } from '../../../src/graphql/pipeline/gateway.ts';
import { schema } from '../../../src/graphql/schema/schema.ts';
import { createLog } from '../../../src/log.ts';
import { RestHandler } from '../../../src/rest/rest-handler.ts';
import { openTestSecretBox } from '../../support/database/secret-box.ts';
import { NOTHING_LEARNED } from '../../../src/vm/engine-facts.ts';
import { createVm } from '../../../src/vm/commands/vm-commands.ts';
import { addSubdomain } from '../../../src/vm/commands/vm-mappings.ts';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Services } from '../../../src/graphql/schema/context.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database/database.ts';
import { FORWARD, VM_INPUT } from '../../support/vm/vms.ts';
import { JWT_SECRET as SECRET } from '../../support/gateway/tokens.ts';

const viewer = { userId: 'alice', plan: 'engineer', expiresAt: Date.now() + 600_000, from: '127.0.0.1' };
const statements: string[] = [];
let database: TestDatabase;
let db: Db;
let gateway: Gateway;
let server: Server;

beforeAll(async () => {
  database = await createTestDatabase();
  db = createDatabase(database.url, { onQuery: (statement) => statements.push(statement) });
  const catalog = await loadCatalog({ defaultPlan: 'core', regions: ['AU'] });
  const services: Services = {
    db,
    catalog,
    secretBox: await openTestSecretBox(db),
    forward: FORWARD,
    address: { scheme: 'https', domain: 'swiftor.io' },
    maxAccessMs: 3_600_000,
    bootProgress: { find: () => undefined },
    streams: { subscribe: () => Promise.reject(new Error('not here')) },
    telemetry: { logs: async function* () {}, stats: async function* () {} },
    driverOf: () => {
      throw new Error('not here');
    },
    execPlaces: new ExecPlaces(),
    isRegionAvailable: () => true,
    regionsChangedAt: () => new Date(),
    findDrain: () => undefined,
    drains: { reread: () => Promise.resolve() },
    orphans: {
      list: () => Promise.resolve({ orphans: [], problem: null }),
      adopt: () => Promise.resolve(),
      remove: () => Promise.resolve(),
    },
    factsOf: () => ({ ...NOTHING_LEARNED, problem: 'NO_SPACE' }),
  };
  const log = await createLog({ level: 'silent' });
  const rates = new RateLimits({ perAccount: 1_000, perAddress: 1_000, log });
  gateway = new Gateway({ services, rates, log, introspection: true, accessLog: false });
  const verifyToken = createVerifyToken({ secret: SECRET, audience: 'authenticated' });
  const authenticate = createAuthenticate({ verifyToken, rates, addressOf: () => '127.0.0.1' });
  const admission = new StreamAdmission({
    closing: new AbortController().signal,
    sockets: new AccountSockets(10),
  });
  const origin = 'https://swiftor.io';
  const rest = new RestHandler({ gateway, authenticate, admission, strict: false, origin, log });
  server = createServer((request, reply) => void rest.handle(request, reply, request.url ?? '/'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  for (let count = 0; count < 5; count += 1) {
    const vm = await createVm(services, viewer, { ...VM_INPUT, vmlabel: `vm ${count}`, storageType: 'EPHEMERAL' });
    for (const name of ['web', 'api'])
      await addSubdomain(services, viewer, vm.id, { name, internalPort: 8080, visibility: 'PUBLIC' });
  }
});
afterAll(async () => {
  server.close();
  await db.destroy();
  await database[Symbol.asyncDispose]();
});

async function run(query: string): Promise<{ data: unknown; statements: number }> {
  const operation = gateway.prepare({ query }, { viewer, requestId: 'test' });
  if (!('kind' in operation)) throw new AggregateError(operation);
  statements.length = 0;
  const { data, errors } = await operation.execute();
  if (errors !== undefined) throw new AggregateError(errors);
  return { data, statements: statements.length };
}

it('lists 5 VMs with their mappings in one statement over GraphQL', async () => {
  const { data, statements: count } = await run(
    '{ vms { totalCount pageInfo { hasNextPage } nodes { id vmlabel os { distribution desktop } specs { cpu ram storage } status networking { name internalPort url } } } }',
  );
  const { nodes } = (data as { vms: { nodes: { networking: unknown[] }[] } }).vms;
  expect(nodes.map(({ networking }) => networking.length)).toEqual([2, 2, 2, 2, 2]);
  expect(count).toBe(1);
});

it('lists VMs with the steps of their boots in one statement', async () => {
  const { data, statements: count } = await run(
    '{ vms { nodes { boot { steps { status startedAt seconds attempt } } } } }',
  );
  // They were never started.
  expect((data as { vms: { nodes: unknown[] } }).vms.nodes).toEqual(Array.from({ length: 5 }, () => ({ boot: null })));
  expect(count).toBe(1);
});

it.each(['/vms', '/vms/networking'])('answers GET %s in one statement', async (path) => {
  const token = await signToken({ userId: 'alice', ttlSeconds: 60 }, { secret: SECRET, audience: 'authenticated' });
  const { port } = server.address() as AddressInfo;
  statements.length = 0;
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { authorization: `Bearer ${token}` } });
  expect([response.status, statements.length]).toEqual([200, 1]);
});

describe('a list reads only what is selected', () => {
  it.each([
    ['{ vms { nodes { id } } }', ['vm_mapping', 'vm_port', 'last_failure', 'count(*)', '"vmlabel"', 'image_id']],
    ['{ vms { nodes { networking { name } } } }', ['vm_port', 'count(*)', '"status"']],
    ['{ vms { totalCount } }', ['vm_mapping', '"boot"', '"found"."number"']],
    ['{ vms { ...P } } fragment P on VmConnection { edges { node { specs { cpu } } } }', ['vm_mapping', '"enabled"']],
  ])('%s', async (query, absent) => {
    await run(query);
    const [statement = ''] = statements;
    expect([statements.length, absent.filter((part) => statement.includes(part))]).toEqual([1, []]);
  });

  it('and GET /vms reads what it prints, and whether a VM is being deleted', async () => {
    const token = await signToken({ userId: 'alice', ttlSeconds: 60 }, { secret: SECRET, audience: 'authenticated' });
    const { port } = server.address() as AddressInfo;
    statements.length = 0;
    await fetch(`http://127.0.0.1:${port}/vms`, { headers: { authorization: `Bearer ${token}` } });
    const [statement = ''] = statements;
    expect(
      ['"vmlabel"', '"ram_gb"', 'vm_mapping', '"status"', 'count(*)'].map((part) => statement.includes(part)),
    ).toEqual([true, true, false, true, false]);
  });
});

it('reads the names of secrets without their values, and audits a read of values in the same statement', async () => {
  await run('{ vms { nodes { id secrets { key updatedAt } } } }');
  expect(statements.filter((statement) => statement.includes('sealed'))).toEqual([]);
  await run(
    '{ vms { nodes { id secrets { ...Values } } } } fragment Values on VmSecret { ... on VmSecret { clear: value } }',
  );
  const [, reading] = statements;
  expect([statements.length, reading?.includes('insert into audit'), reading?.includes('sealed')]).toEqual([
    2,
    true,
    true,
  ]);
});

it('reads the audit in one statement', async () => {
  const { data, statements: count } = await run(
    '{ me { audit(first: 3) { nodes { action details { name value } } pageInfo { hasNextPage } } } }',
  );
  expect(data).toMatchObject({ me: { audit: { nodes: [{}, {}, {}], pageInfo: { hasNextPage: true } } } });
  expect(count).toBe(1);
});

it('reads the secrets, violations and events of a list in one more statement each, whatever its length', async () => {
  const { statements: secrets } = await run('{ vms { nodes { id secrets { key value } } } }');
  expect(secrets).toBe(2);
  const { statements: violations } = await run('{ vms { nodes { id startViolations { message } } } }');
  expect(violations).toBe(2);
  const { data, statements: problems } = await run(
    '{ vms { nodes { id image { digest outdated } startProblems { code } } } }',
  );
  expect(data).toMatchObject({
    vms: { nodes: [{ image: null, startProblems: [{ code: 'NO_SPACE' }] }, {}, {}, {}, {}] },
  });
  expect(problems).toBe(2);
  const { data: events, statements: ofEvents } = await run(
    '{ vms { nodes { events(first: 1) { nodes { kind vm { vmlabel } } pageInfo { hasNextPage } } } } }',
  );
  expect(events).toMatchObject({
    vms: { nodes: [0, 1, 2, 3, 4].map((n) => ({ events: { nodes: [{ vm: { vmlabel: `vm ${n}` } }] } })) },
  });
  expect(ofEvents).toBe(2);
});

it('reads nodes in one statement for each type, and of them only what is selected', async () => {
  const vms = await db.selectFrom('vm').select('id').execute();
  const { data } = await run('{ vms { nodes { id networking { id } secrets { id } } } me { audit { nodes { id } } } }');
  const { vms: page, me } = data as {
    vms: { nodes: { networking: { id: string }[]; secrets: { id: string }[] }[] };
    me: { audit: { nodes: { id: string }[] } };
  };
  const nodes = async (ids: readonly string[], selection: string) => {
    const result = await run(`{ nodes(ids: ${JSON.stringify(ids)}) { id ${selection} } }`);
    expect((result.data as { nodes: { id: string }[] }).nodes.map((node) => node?.id)).toEqual(ids);
    return [result.statements, statements.join(' ')] as const;
  };
  const vmIds = vms.map(({ id }) => id);
  const [ofVms, vmStatement] = await nodes(vmIds, '... on Vm { status } ... on Distribution { portForwarding }');
  expect([ofVms, vmStatement.includes('"status"'), vmStatement.includes('vmlabel')]).toEqual([1, true, false]);
  const mappingIds = page.nodes.flatMap(({ networking }) => networking.map(({ id }) => id));
  const [ofMappings, mappingStatement] = await nodes(mappingIds, '... on SubdomainMapping { vm { vmlabel } }');
  expect([ofMappings, mappingStatement.includes('vmlabel'), mappingStatement.includes('vm_port')]).toEqual([
    1,
    true,
    false,
  ]);
  const secretIds = page.nodes.flatMap(({ secrets }) => secrets.map(({ id }) => id));
  const [ofSecrets, secretStatements] = await nodes(secretIds, '... on VmSecret { key }');
  expect([ofSecrets, secretStatements.includes('sealed')]).toEqual([2, false]);
  const auditIds = me.audit.nodes.map(({ id }) => id);
  expect((await nodes([...vmIds, ...mappingIds, ...secretIds, ...auditIds].slice(-100), ''))[0]).toBe(5);
});

it('reads the VMs of mappings in the statement of their list', async () => {
  const { data, statements: count } = await run(
    '{ vms(first: 5) { nodes { id networking { name vm { vmlabel networking { url } } } } } }',
  );
  expect(data).toMatchObject({
    vms: { nodes: Array.from({ length: 5 }, (_, index) => ({ networking: [{ vm: { vmlabel: `vm ${index}` } }, {}] })) },
  });
  expect(count).toBe(1);
});

it('reads one VM in one statement', async () => {
  const { rows } = { rows: await db.selectFrom('vm').select('id').execute() };
  const { statements: count } = await run(`{ vm(id: "${rows[0]?.id}") { id status networking { name } } }`);
  expect(count).toBe(1);
});

it('changes a VM in one statement after the locks, and returns what is selected of it', async () => {
  const { id } = await db.selectFrom('vm').select('id').executeTakeFirstOrThrow();
  const change = `mutation { updateVm(input: { id: "${id}", vmlabel: "once" }) { vmlabel networking { name } } }`;
  const { data } = await run(change);
  expect(data).toEqual({ updateVm: { vmlabel: 'once', networking: [{ name: 'api' }, { name: 'web' }] } });
  const [begin, account, vm, changed, commit, notify, ...others] = statements;
  expect([begin, commit, others]).toEqual(['begin', 'commit', []]);
  expect(account).toMatch(/^update "account"/);
  expect(vm).toMatch(/for update of "vm"$/);
  for (const part of ['update "vm"', 'insert into vm_event', 'insert into audit']) expect(changed).toContain(part);
  expect(notify).toContain('pg_notify');
});

/** A selection of the field with all scalars and enums below it. */
function selectionOf({ name, type, args }: GraphQLField<unknown, unknown>): string {
  const named = getNamedType(type);
  const has = (wanted: string): boolean => args.some((arg) => arg.name === wanted);
  const given = has('key') ? `${name}(key: "VM_PASSWORD")` : has('first') ? `${name}(first: 1)` : name;
  if (!isObjectType(named)) return given;
  const inside = Object.values(named.getFields()).filter((each) => getNamedType(each.type).name !== 'Vm');
  return `${given} { ${inside.map(selectionOf).join(' ')} }`;
}

it('resolves each field of a VM, selected alone, to the same as with all others', async () => {
  // Each property has a value, so that one that was not read would be missed.
  await sql`update vm set desktop = 'xfce', engine_ref = 'r', answered_hash = 'h', undone_hash = 'u', storage_bytes = 5, storage_gb = 3,
    storage_enforcement = 'HARD', image_reference = 'i', image_id = 'sha256:1', image_stand_in_for = 'o', image_incarnation = 0,
    image_since = now(), observed_at = now(), started_at = now(), status = 'QUEUED', boot = '{"steps":[]}',
    last_failure = '{"step":"BOOTING","code":"APP_EXITED","message":"m","oomKilled":false,"logTail":[],"at":"2026-01-01T00:00:00Z"}'`.execute(
    db,
  );
  const fields = Object.values((schema.getType('Vm') as GraphQLObjectType).getFields());
  const nodesOf = async (selection: string): Promise<Record<string, unknown>[]> => {
    const { data } = await run(`{ vms(first: 5) { nodes { ${selection} } } }`);
    return (data as { vms: { nodes: Record<string, unknown>[] } }).vms.nodes;
  };
  const all = await nodesOf(fields.map(selectionOf).join(' '));
  for (const field of fields) {
    const expected = all.map((vm) => ({ [field.name]: vm[field.name] }));
    expect(await nodesOf(selectionOf(field)), field.name).toEqual(expected);
  }
});
