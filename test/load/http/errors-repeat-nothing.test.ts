import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import { useApi } from '../../support/api/use-api.ts';

const gateway = useApi({ LOG_LEVEL: 'debug' });
let token: string;
let id: string;
beforeAll(async () => {
  token = await gateway.token('careless');
  id = await gateway.createVm(token, 'mine');
});

const INPUT = { vmlabel: 'a', region: 'AU', password: 'x', distribution: 'krita', cpu: 1, ram: 1 };
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
          ? await fetch(gateway.url + route, {
              method: 'POST',
              body: broken(JSON.stringify(plant(REST[route]?.(), at, what)), at, body),
              headers: { authorization: headers.authorization, 'content-type': 'application/json' },
            })
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
