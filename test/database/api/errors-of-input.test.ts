import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApi, type Api } from '../../support/gateway/api.ts';

let gateway: Api;
let token: string;
let id: string;
beforeAll(async () => {
  gateway = await startApi({ LOG_LEVEL: 'debug' });
  token = await gateway.token('careless');
  id = await gateway.createVm(token, 'mine');
});
afterAll(() => gateway[Symbol.asyncDispose]());

interface Problem {
  readonly path: string;
  readonly message: string;
}
interface Failure {
  readonly message: string;
  readonly extensions: { readonly code: string; readonly fields?: readonly Problem[] };
}

async function failureOf(query: string, variables: Record<string, unknown> = {}): Promise<Failure> {
  const { errors } = (await (await gateway.post(token, query, variables)).json()) as { errors?: readonly Failure[] };
  const [first] = errors ?? [];
  if (first === undefined) throw new Error(`It was accepted: ${query}`);
  return first;
}
const rest = (method: string, path: string, body: string, type = 'application/json'): Promise<Response> =>
  fetch(gateway.url + path, { method, body, headers: { authorization: `Bearer ${token}`, 'content-type': type } });

const CREATE = 'mutation ($vm: CreateVmInput!) { createVm(input: $vm) { id } }';
const SECRET = 'mutation ($input: SetSecretInput!) { setSecret(input: $input) { key } }';
const INPUT = { vmlabel: 'a', region: 'AU', password: 'x', distribution: 'krita', cpu: 1, ram: 1 };
const WHOLE = 'must be a whole number of at most 32 bits.';

describe('an error of input names the path and what is expected there', () => {
  it.each<[string, string, Record<string, unknown>, Problem[]]>([
    ['a variable that is missing', CREATE, {}, [{ path: 'vm', message: 'is required.' }]],
    [
      'a field that is missing',
      CREATE,
      { vm: { ...INPUT, cpu: undefined } },
      [{ path: 'vm.cpu', message: 'is required.' }],
    ],
    [
      'a field that is null',
      CREATE,
      { vm: { ...INPUT, region: null } },
      [{ path: 'vm.region', message: 'is required.' }],
    ],
    [
      'all of them at once',
      CREATE,
      { vm: { ...INPUT, cpu: 'x', password: {}, storageType: 'NONE' } },
      [
        { path: 'vm.password', message: 'must be a string.' },
        { path: 'vm.storageType', message: 'must be one of EPHEMERAL, PERSISTENT.' },
        { path: 'vm.cpu', message: WHOLE },
      ],
    ],
    ['no object', CREATE, { vm: 'x' }, [{ path: 'vm', message: 'must be an object.' }]],
    [
      'a strange field',
      SECRET,
      { input: { vmId: 'a', key: 'A', value: 'b', valeu: 'c' } },
      [{ path: 'input.valeu', message: 'is not a field of SetSecretInput.' }],
    ],
    [
      'a strange field that is no name',
      SECRET,
      { input: { vmId: 'a', key: 'A', value: 'b', 'c d': 1 } },
      [{ path: 'input', message: 'has a field that SetSecretInput does not have.' }],
    ],
    [
      'an item of a list',
      'query ($s: [VmStatus!]) { vms(filter: { status: $s }) { totalCount } }',
      { s: ['RUNNING', 7] },
      [{ path: 's.1', message: expect.stringMatching(/^must be one of .*RUNNING/) as never }],
    ],
    [
      'a field of a literal',
      'mutation { setSecret(input: { vmId: "a", key: "A" }) { key } }',
      {},
      [{ path: 'input.value', message: 'is required.' }],
    ],
    ['a literal', '{ vms(first: "x") { totalCount } }', {}, [{ path: 'first', message: WHOLE }]],
    ['a default', 'query ($n: Int = "x") { vms(first: $n) { totalCount } }', {}, [{ path: 'n', message: WHOLE }]],
    [
      'what a command refuses',
      CREATE,
      { vm: { ...INPUT, region: 'XX' } },
      [{ path: 'input.region', message: 'must be a region; there are AU, US.' }],
    ],
    [
      'a syntax error',
      '{ vms(first: 1 { totalCount } }',
      {},
      [{ path: 'query', message: 'is not GraphQL: syntax error at line 1, column 16.' }],
    ],
    [
      'what is too long',
      `{ ${'__typename '.repeat(2_500)} }`,
      {},
      [{ path: 'query', message: 'has more than 2000 tokens.' }],
    ],
  ])('%s', async (_what, query, variables, problems) => {
    const { message, extensions } = await failureOf(query, variables);
    expect(extensions).toMatchObject({ code: 'BAD_USER_INPUT' });
    expect(extensions.fields?.toSorted((a, b) => a.path.localeCompare(b.path))).toEqual(
      problems.toSorted((a, b) => a.path.localeCompare(b.path)),
    );
    for (const { path } of problems) expect(message).toContain(`${path}: `);
  });

  it.each([
    [
      '/vms/create',
      {
        config: { vmlabel: 'a', region: { code: 'AU' }, password: 'x' },
        os: { distribution: { code: 'krita' }, ram: 1 },
      },
      'os.cpu',
    ],
    [
      '/vms/create',
      { config: { region: { code: 'AU' }, password: 'x' }, os: { distribution: { code: 'krita' }, ram: 1, cpu: 1 } },
      'config.vmlabel',
    ],
    ['/vms/secrets', { vmid: '1', key: 'A' }, 'value'],
    ['/vms/secrets', { key: 'A', value: 'b' }, 'vmid'],
    ['/vms/networking', { vmid: '1', name: 'a' }, 'internal_port'],
  ])('over REST, it names the REST path %s', async (path, body, missing) => {
    const answer = (await (await rest('POST', path, JSON.stringify(body))).json()) as Record<string, unknown>;
    expect(answer).toEqual({
      error: `${missing}: is required.`,
      code: 'BAD_USER_INPUT',
      fields: [{ path: missing, message: 'is required.' }],
    });
  });
});

/** A text, the same as a name where one stands, and a number: whatever of them comes back was echoed. */
const CANARY = 'hunter2canary';
const NUMBER = 918273645;

const OPERATIONS = [
  {
    name: 'createVm',
    type: 'CreateVmInput!',
    fields: '{ id }',
    input: () => ({ ...INPUT, storageType: 'PERSISTENT' }),
  },
  { name: 'updateVm', type: 'UpdateVmInput!', fields: '{ id }', input: () => ({ id, vmlabel: 'a', cpu: 1 }) },
  { name: 'setSecret', type: 'SetSecretInput!', fields: '{ key }', input: () => ({ vmId: id, key: 'A', value: 'b' }) },
  {
    name: 'addSubdomain',
    type: 'AddSubdomainInput!',
    fields: '{ name }',
    input: () => ({ vmId: id, name: 'web', internalPort: 80 }),
  },
  {
    name: 'addPort',
    type: 'AddPortInput!',
    fields: '{ internalPort }',
    input: () => ({ vmId: id, internalPort: 80, protocol: 'TCP' }),
  },
] as const;
const REST: Readonly<Record<string, () => unknown>> = {
  '/vms/create': () => ({
    config: { vmlabel: 'a', region: { code: 'AU' }, password: 'x' },
    os: { distribution: { code: 'krita' }, cpu: 1, ram: 1 },
  }),
  '/vms/secrets': () => ({ vmid: id, key: 'A', value: 'b' }),
  '/vms/networking': () => ({ vmid: id, name: 'web', internal_port: 80 }),
};
const planted = fc.constantFrom<unknown>(
  CANARY,
  `${CANARY}\u0000`,
  `"${CANARY}`,
  `${CANARY} ${'x'.repeat(40_000)}`,
  NUMBER,
  NUMBER + 0.5,
  [CANARY],
  { secret: CANARY },
  [[NUMBER]],
);

/** The value with `what` in one of its leaves, or instead of all of it. */
function plant(value: unknown, at: number, what: unknown): unknown {
  const paths: string[][] = [];
  const walk = (each: unknown, path: string[]): void => {
    paths.push(path);
    if (typeof each === 'object' && each !== null)
      for (const [key, inside] of Object.entries(each)) walk(inside, [...path, key]);
  };
  walk(value, []);
  const replace = (each: unknown, [key, ...more]: string[]): unknown =>
    key === undefined ? what : { ...(each as object), [key]: replace((each as Record<string, unknown>)[key], more) };
  return replace(value, paths[at % paths.length] ?? []);
}

/** As a literal; texts of capitals as the names of an enum, now and then the canary too. */
function literal(value: unknown, asNames: boolean): string {
  if (Array.isArray(value)) return `[${value.map((each) => literal(each, asNames)).join(' ')}]`;
  if (typeof value === 'object' && value !== null) {
    return `{ ${Object.entries(value)
      .map(([key, each]) => `${key}: ${literal(each, asNames)}`)
      .join(', ')} }`;
  }
  if (typeof value === 'string' && (/^[A-Z]{3,}$/.test(value) || (asNames && value === CANARY))) return value;
  return JSON.stringify(value);
}

/** The text with something in it taken out or put in; `at` is anywhere. */
function broken(text: string, at: number, kind: 'whole' | 'cut' | 'torn'): string {
  const place = at % (text.length + 1);
  if (kind === 'whole') return text;
  return kind === 'cut' ? text.slice(0, place) : `${text.slice(0, place)}${'"{@\\'[at % 4]}${text.slice(place)}`;
}

it('no error repeats a value of its request', { timeout: 120_000 }, async () => {
  const damage = fc.constantFrom('whole', 'whole', 'cut', 'torn');
  const shapes = fc.record({
    operation: fc.constantFrom(...OPERATIONS),
    route: fc.constantFrom(...Object.keys(REST)),
    way: fc.constantFrom('variables', 'literal', 'names', 'default', 'get', 'sse', 'operationName', 'rest'),
    what: planted,
    at: fc.nat(1_000_000),
    of: damage,
    body: damage,
  });
  let refused = 0;
  const property = fc.asyncProperty(
    shapes,
    async ({ operation: { name, type, fields, input }, route, way, what, at, of, body }) => {
      const given = plant(input(), at, what);
      const withVariables = `mutation ($input: ${type}) { ${name}(input: $input) ${fields} }`;
      const written = literal(given, way === 'names');
      const query =
        way === 'literal' || way === 'names'
          ? `mutation { ${name}(input: ${written}) ${fields} }`
          : way === 'default'
            ? `mutation ($input: ${type.slice(0, -1)} = ${written}) { ${name}(input: $input) ${fields} }`
            : withVariables;
      const variables = query === withVariables ? { input: given } : {};
      const operationName = way === 'operationName' ? { operationName: CANARY } : {};
      const asked = JSON.stringify({ query: broken(query, at, of), variables, ...operationName });
      const headers = {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        ...(way === 'sse' && { accept: 'text/event-stream' }),
      };
      const search = new URLSearchParams({
        query: broken(query, at, of),
        variables: broken(JSON.stringify(variables), at, body),
      }).toString();
      const response =
        way === 'rest'
          ? await rest('POST', route, broken(JSON.stringify(plant(REST[route]?.(), at, what)), at, body))
          : way === 'get' && search.length < 8_000
            ? await fetch(`${gateway.url}/graphql?${search}`, { headers: { authorization: headers.authorization } })
            : await fetch(`${gateway.url}/graphql`, { method: 'POST', body: broken(asked, at, body), headers });
      const text = await response.text();
      const isRefused = response.status >= 400 || text.includes('"errors"');
      if (!isRefused) return;
      refused += 1;
      expect(response.status).toBeLessThan(500);
      for (const each of [CANARY, String(NUMBER)]) expect(text).not.toContain(each);
      expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    },
  );
  await fc.assert(property, { numRuns: 600, seed: 20 });
  expect(refused).toBeGreaterThan(300);
  const logged = gateway.lines.join('\n');
  for (const each of [CANARY, String(NUMBER)]) expect(logged).not.toContain(each);
});
