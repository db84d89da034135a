import { parse, validate } from 'graphql';
import { describe, expect, it } from 'vitest';
import { schema } from '../../../src/graphql/schema/schema.ts';
import type { RestData, RestRequest } from '../../../src/rest/routes/route.ts';
import { ROUTES } from '../../../src/rest/routes/routes.ts';
import type { JsonSchema } from '../../../src/rest/schemas/json-schema.ts';
import { DOCUMENT, misfits, operationOf, responseOf } from '../../support/api/openapi-check.ts';

const documented = (path: string): string => path.replaceAll(/:(\w+)/g, '{$1}');
const OPERATIONS = Object.entries(DOCUMENT.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, operation, name: `${method.toUpperCase()} ${path}` })),
);
const replyOf = (name: string): JsonSchema => {
  const operation = operationOf(name);
  const { content = {} } = responseOf(operation, 200) ?? responseOf(operation, 201) ?? {};
  return Object.values(content)[0]?.schema ?? {};
};
const bodyOf = (name: string): JsonSchema => operationOf(name).requestBody?.content['application/json'].schema ?? {};

const ID = '1aa62e52-e61c-4ae3-9ac2-c9cb1f46d25f';
const ITEM = {
  id: ID,
  vmlabel: 'NewVM',
  region: 'AU',
  os: { distribution: 'ubuntu', desktop: 'xfce' },
  specs: { cpu: 2, ram: 4, storage: true },
  enabled: false,
};

describe('the OpenAPI document', () => {
  it('is OpenAPI 3.1, names the gateway, and requires a bearer token everywhere', () => {
    expect(DOCUMENT.openapi).toBe('3.1.0');
    expect(DOCUMENT.servers).toMatchObject([{ url: 'https://swiftor.io' }]);
    expect(DOCUMENT.security).toEqual([{ bearer: [] }]);
    expect(DOCUMENT.components['securitySchemes']?.['bearer']).toMatchObject({ type: 'http', scheme: 'bearer' });
  });

  it('has every method of every route, and no other', () => {
    const routes = ROUTES.flatMap(({ methods, path }) => methods.map((method) => `${method} ${documented(path)}`));
    expect(OPERATIONS.map(({ name }) => name).toSorted()).toEqual(routes.toSorted());
  });

  it('gives each operation a name of its own, from which clients make functions', () => {
    const ids = OPERATIONS.map(({ operation }) => operation.operationId);
    expect(ids.filter((id, index) => !/^[a-z][A-Za-z]+$/.test(id) || ids.indexOf(id) !== index)).toEqual([]);
  });

  it('deprecates exactly the GETs that change state, under names of their own', () => {
    const warned = OPERATIONS.filter(({ operation }) => operation.deprecated === true);
    expect(Object.fromEntries(warned.map(({ name, operation }) => [name, operation.operationId]))).toEqual({
      'GET /vms/delete/{vmid}': 'deleteVmByGet',
      'GET /vms/start/{vmid}': 'startVmByGet',
      'GET /vms/stop/{vmid}': 'stopVmByGet',
    });
  });

  it.each(OPERATIONS)('$name has a tag, a summary, its parameters, one success, and its errors', (each) => {
    const { path, operation } = each;
    expect(DOCUMENT.tags.map(({ name }) => name)).toContain(operation.tags.join());
    expect(operation.summary).not.toBe('');
    const parameters = (operation.parameters ?? []).map(({ $ref }) => $ref.replace('#/components/parameters/', ''));
    expect(parameters.filter((name) => path.includes(`{${name}}`)).map((name) => `{${name}}`)).toEqual(
      path.match(/\{\w+\}/g) ?? [],
    );
    expect([200, 201].filter((status) => responseOf(operation, status) !== undefined)).toHaveLength(1);
    for (const status of [400, 404, 503]) {
      const schema = responseOf(operation, status)?.content?.['application/json']?.schema;
      expect(schema).toEqual({ $ref: '#/components/schemas/Error' });
    }
  });

  it('refers to nothing that is not there, and describes nothing that is not used', () => {
    const used = new Set(JSON.stringify(DOCUMENT).match(/#\/components\/\w+\/\w+/g));
    const there = Object.entries(DOCUMENT.components)
      .filter(([kind]) => kind !== 'securitySchemes')
      .flatMap(([kind, parts]) => Object.keys(parts).map((name) => `#/components/${kind}/${name}`));
    expect([...used].toSorted()).toEqual(there.toSorted());
  });
});

describe('the schemas of the OpenAPI document', () => {
  const CREATE = {
    config: {
      vmlabel: 'MyWebServer',
      region: { code: 'AU' },
      password: 'your-secure-password',
      storageType: 'persistent',
    },
    os: { distribution: { code: 'ubuntu' }, desktop: 'xfce', cpu: 2, ram: 4 },
  };

  it.each<[string, unknown]>([
    ['POST /vms/create', CREATE],
    ['POST /vms/secrets', { vmid: ID, key: 'NEW_SECRET_KEY', value: 'its-secret-value' }],
    ['POST /vms/networking', { vmid: ID, name: 'myapp', internal_port: 5001 }],
  ])('%s accepts the documented example', (name, body) => {
    expect(misfits(bodyOf(name), body)).toEqual([]);
  });

  it('POST /vms/create requires exactly the fields that are not optional', () => {
    const { storageType: _storage, ...config } = CREATE.config;
    const { desktop: _desktop, ...os } = CREATE.os;
    expect(misfits(bodyOf('POST /vms/create'), { config, os })).toEqual([]);
    expect(misfits(bodyOf('POST /vms/create'), { config: { vmlabel: 'x' } })).toEqual([
      expect.stringContaining("must have required property 'os'"),
      expect.stringContaining("must have required property 'region'"),
      expect.stringContaining("must have required property 'password'"),
    ]);
  });

  it.each<[string, unknown]>([
    ['GET /vms', { vms: [ITEM] }],
    ['POST /vms/create', { message: 'VM created successfully', vm: { ...ITEM, user_id: 'user-supabase-id' } }],
    ['GET /vms/start/{vmid}', { message: 'VM start process initiated successfully in the background.' }],
    [
      'GET /vms/secrets',
      { secrets: { [ID]: { API_KEY: 'your-api-key-value' }, other: { SECRET_TOKEN: 'another-secret-value' } } },
    ],
    ['POST /vms/secrets', { message: 'Secret added successfully', vmid: ID, key: 'NEW_SECRET_KEY' }],
    ['DELETE /vms/secrets/{vmid}/{key}', { message: 'Secret removed successfully', vmid: ID, key: 'NEW_SECRET_KEY' }],
    ['GET /vms/networking', { networking: { [ID]: { myapp: { subdomain: 'myapp', internal_port: 5001 } } } }],
    ['POST /vms/networking', { message: 'added', subdomain: `myapp.${ID}.swiftor.io`, internal_port: 5001 }],
    [
      'DELETE /vms/networking/{vmid}/{name}',
      { message: 'Subdomain mapping removed successfully', vmid: ID, name: 'myapp' },
    ],
  ])('%s describes the documented reply', (name, reply) => {
    expect(misfits(replyOf(name), reply)).toEqual([]);
  });

  it.each<[string, unknown]>([
    ['a missing key', { ...ITEM, enabled: undefined }],
    ['an added key', { ...ITEM, user_id: 'x' }],
    ['another type', { ...ITEM, enabled: 'no' }],
  ])('reject a reply with %s', (_what, item) => {
    expect(misfits(replyOf('GET /vms'), JSON.parse(JSON.stringify({ vms: [item] })))).not.toEqual([]);
  });
});

describe('each route', () => {
  const port = { protocol: 'TCP', internalPort: 25_565, publicPort: 30_000, address: 'localhost:30000' };
  const vm = {
    ...ITEM,
    userId: 'alice',
    status: 'RUNNING',
    url: `https://${ID}.swiftor.io`,
    secrets: [{ key: 'API_KEY', value: 'x' }],
    networking: [{ name: 'myapp', internalPort: 5001 }],
    ports: [port],
    progress: { percent: 40, message: 'downloading', bytesDone: 4, bytesTotal: null },
  };
  const at = '2026-11-24T09:30:00.000Z';
  const event = {
    seq: '7',
    kind: 'PROGRESS',
    vmId: ID,
    status: 'PULLING',
    previousStatus: null,
    reason: null,
    note: null,
    at,
    vm,
  };
  const stats = { cpuPercent: 0.5, memoryBytes: 1, memoryLimitBytes: 2, networkRxBytes: 3, networkTxBytes: 4 };
  const data: RestData = {
    nodes: [vm],
    vm,
    createVm: vm,
    updateVm: vm,
    vmExec: { exitCode: 0, stdout: 'done', stderr: '', stdoutTruncated: false, stderrTruncated: false },
    openVm: { url: `https://${ID}.swiftor.io/.swiftor/open?ticket=x`, linkUntil: at, accessUntil: at },
    addSubdomain: { subdomain: `myapp.${ID}.swiftor.io`, internalPort: 5001 },
    addPort: port,
    vmEvents: event,
    vmLogs: { at, stream: 'stdout', text: 'hello', cursor: '1-1' },
    vmStats: { at, ...stats },
  };
  const request: RestRequest = {
    params: { vmid: ID, key: 'API_KEY', name: 'myapp', protocol: 'tcp', internal_port: '25565' },
    query: {},
    body: { vmid: ID, key: 'API_KEY', value: 'x', name: 'myapp', internal_port: 5001 },
    idempotencyKey: undefined,
    lastEventId: undefined,
  };
  const named = ROUTES.map((route) => ({ route, name: `${route.methods.join(', ')} ${route.path}` }));

  it.each(named)('$name runs an operation that is valid in the GraphQL schema', ({ route }) => {
    expect(validate(schema, parse(route.document))).toEqual([]);
  });

  it.each(named)('$name replies as the OpenAPI document describes', ({ route }) => {
    const result = 'event' in route ? route.event(data) : route.reply(data, request);
    const reply: unknown = JSON.parse(JSON.stringify(result));
    for (const method of route.methods)
      expect(misfits(replyOf(`${method} ${documented(route.path)}`), reply)).toEqual([]);
  });
});
