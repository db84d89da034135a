import { parse, validate } from 'graphql';
import { describe, expect, it } from 'vitest';
import { schema } from '../../src/graphql/schema/schema.ts';
import { openapiDocument } from '../../src/rest/openapi.ts';
import type { RestData, RestRequest } from '../../src/rest/route.ts';
import { ROUTES } from '../../src/rest/routes.ts';

/** The part of JSON Schema that the document uses. */
interface Shape {
  readonly type?: string | readonly string[];
  readonly format?: string;
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly required?: readonly string[];
  readonly items?: Shape;
  readonly additionalProperties?: Shape;
  readonly $ref?: string;
}
interface Content {
  readonly content: { readonly 'application/json': { readonly schema: Shape } };
}
interface Operation {
  readonly summary: string;
  readonly deprecated?: boolean;
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly required: boolean }[];
  readonly requestBody?: Content & { readonly required: boolean };
  readonly responses: Readonly<Record<string, Content & { readonly description: string }>>;
}
interface Document {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly security: readonly object[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, Shape>>;
    readonly securitySchemes: Readonly<Record<string, object>>;
  };
}

// As a client reads it: through JSON.
const document = JSON.parse(JSON.stringify(openapiDocument())) as Document;
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    path,
    method,
    operation,
    name: `${method.toUpperCase()} ${path}`,
  })),
);

function operationOf(name: string): Operation {
  const found = operations.find((each) => each.name === name);
  if (found === undefined) throw new Error(`The document has no ${name}.`);
  return found.operation;
}
function replyOf(name: string): Shape {
  const [[, reply] = []] = Object.entries(operationOf(name).responses).filter(([status]) => status !== 'default');
  if (reply === undefined) throw new Error(`${name} has no reply.`);
  return reply.content['application/json'].schema;
}
function bodyOf(name: string): Shape {
  const body = operationOf(name).requestBody;
  if (body === undefined) throw new Error(`${name} takes no body.`);
  return body.content['application/json'].schema;
}

function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return Number.isInteger(value) ? 'integer' : typeof value;
}

/** Where the value is not what the shape says: a type, a missing key, a key that the shape does not have. */
function misfits(shape: Shape, value: unknown, at = '$'): string[] {
  const types = [shape.type ?? []].flat();
  if (!types.includes(typeName(value))) return [`${at} is ${typeName(value)}, not ${types.join(' or ')}`];
  if (Array.isArray(value)) return value.flatMap((each, index) => misfits(shape.items ?? {}, each, `${at}[${index}]`));
  if (typeof value !== 'object' || value === null) return [];
  const missing = (shape.required ?? [])
    .filter((key) => !Object.hasOwn(value, key))
    .map((key) => `${at}.${key} is missing`);
  return [
    ...missing,
    ...Object.entries(value).flatMap(([key, each]) => {
      const inner = shape.properties?.[key] ?? shape.additionalProperties;
      return inner === undefined ? [`${at}.${key} is not in the document`] : misfits(inner, each, `${at}.${key}`);
    }),
  ];
}

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
  it('is OpenAPI 3.1 and requires a bearer token everywhere', () => {
    expect(document.openapi).toBe('3.1.0');
    expect(document.security).toEqual([{ bearer: [] }]);
    expect(document.components.securitySchemes['bearer']).toMatchObject({ type: 'http', scheme: 'bearer' });
  });

  it('lists exactly the routes and methods of the contract', () => {
    expect(operations.map(({ name }) => name).toSorted()).toEqual(
      [
        'GET /vms',
        'POST /vms/create',
        'GET /vms/start/{vmid}',
        'POST /vms/start/{vmid}',
        'GET /vms/stop/{vmid}',
        'POST /vms/stop/{vmid}',
        'GET /vms/delete/{vmid}',
        'DELETE /vms/delete/{vmid}',
        'GET /vms/{vmid}',
        'GET /vms/secrets',
        'POST /vms/secrets',
        'DELETE /vms/secrets/{vmid}/{key}',
        'GET /vms/networking',
        'POST /vms/networking',
        'DELETE /vms/networking/{vmid}/{name}',
      ].toSorted(),
    );
  });

  it('declares 201 for creations, 200 for other requests, and errors with a code', () => {
    const created = operations.filter(({ operation }) => '201' in operation.responses).map(({ name }) => name);
    expect(created.toSorted()).toEqual(['POST /vms/create', 'POST /vms/networking']);
    for (const { operation, name } of operations) {
      expect(Object.keys(operation.responses), name).toEqual([created.includes(name) ? '201' : '200', 'default']);
    }
    expect(document.components.schemas['Error']?.required).toEqual(['error', 'code']);
  });

  it.each(operations)(
    '$name has a summary, its reply, its parameters, and refers to nothing that is not there',
    ({ path, operation, name }) => {
      expect(operation.summary).not.toBe('');
      expect(Object.keys(replyOf(name).properties ?? {}).length).toBeGreaterThan(0);
      expect((operation.parameters ?? []).map((each) => `{${each.name}}`)).toEqual(path.match(/\{\w+\}/g) ?? []);
      for (const parameter of operation.parameters ?? [])
        expect(parameter).toMatchObject({ in: 'path', required: true });
      const references = JSON.stringify(operation).match(/#\/components\/schemas\/\w+/g) ?? [];
      expect(references).not.toEqual([]);
      for (const each of references) expect(document.components.schemas).toHaveProperty(each.split('/').at(-1) ?? '');
    },
  );

  it('declares a body exactly where the original API has one', () => {
    const withBody = operations.filter(({ operation }) => operation.requestBody !== undefined).map(({ name }) => name);
    expect(withBody.toSorted()).toEqual(['POST /vms/create', 'POST /vms/networking', 'POST /vms/secrets']);
  });

  it('deprecates exactly the GETs that change state', () => {
    const warned = operations.filter(({ operation }) => operation.deprecated === true).map(({ name }) => name);
    expect(warned.toSorted()).toEqual(['GET /vms/delete/{vmid}', 'GET /vms/start/{vmid}', 'GET /vms/stop/{vmid}']);
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
      '$.os is missing',
      '$.config.region is missing',
      '$.config.password is missing',
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

  it('reject a reply with a missing key, an added key or another type', () => {
    const { enabled: _enabled, ...incomplete } = ITEM;
    expect(misfits(replyOf('GET /vms'), { vms: [incomplete] })).toEqual(['$.vms[0].enabled is missing']);
    expect(misfits(replyOf('GET /vms'), { vms: [{ ...ITEM, user_id: 'x' }] })).toEqual([
      '$.vms[0].user_id is not in the document',
    ]);
    expect(misfits(replyOf('GET /vms'), { vms: [{ ...ITEM, enabled: 'no' }] })).toEqual([
      '$.vms[0].enabled is string, not boolean',
    ]);
  });
});

describe('each route', () => {
  const vm = {
    ...ITEM,
    userId: 'alice',
    status: 'RUNNING',
    url: `https://${ID}.swiftor.io`,
    secrets: [{ key: 'API_KEY', value: 'x' }],
    networking: [{ name: 'myapp', internalPort: 5001 }],
  };
  const data: RestData = {
    nodes: [vm],
    vm,
    createVm: vm,
    addSubdomain: { subdomain: `myapp.${ID}.swiftor.io`, internalPort: 5001 },
  };
  const request: RestRequest = {
    params: { vmid: ID, key: 'API_KEY', name: 'myapp' },
    body: { vmid: ID, key: 'API_KEY', value: 'x', name: 'myapp', internal_port: 5001 },
    idempotencyKey: undefined,
  };
  const named = ROUTES.map((route) => ({ route, name: `${route.methods.join(', ')} ${route.path}` }));

  it.each(named)('$name runs an operation that is valid in the GraphQL schema', ({ route }) => {
    expect(validate(schema, parse(route.document))).toEqual([]);
  });

  it.each(named)('$name replies as the OpenAPI document describes', ({ route }) => {
    for (const method of route.methods) {
      const reply: unknown = JSON.parse(JSON.stringify(route.reply(data, request)));
      expect(misfits(replyOf(`${method} ${route.path.replaceAll(/:(\w+)/g, '{$1}')}`), reply)).toEqual([]);
    }
  });
});
