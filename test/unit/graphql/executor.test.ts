import fc from 'fast-check';
import {
  GraphQLError,
  buildSchema,
  getIntrospectionQuery,
  getNamedType,
  isInputObjectType,
  isObjectType,
  parse,
  valueFromASTUntyped,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  validate,
  type ExecutionArgs,
  type GraphQLSchema,
} from 'graphql';
import { describe, expect, it } from 'vitest';
import type { VmEvent } from '../../../src/events/vm-event.ts';
import { createExecutor } from '../../../src/graphql/pipeline/executor.ts';
import { schema } from '../../../src/graphql/schema/schema.ts';

const SMALL = buildSchema(`
  interface Node { id: ID! }
  enum Colour { RED GREEN }
  input Filter { colour: Colour, ids: [ID!] = ["a"], inner: Inner }
  input Inner { ids: [ID!] }
  type Item implements Node { id: ID!, colour: Colour, name(prefix: String = "no "): String, strict: String!, items(first: Int = 2): [Item!] }
  type Query { item(filter: Filter, id: ID): Item, items: [Item]!, node: Node, slow: String, fails: String, failsStrictly: String! }
  type Mutation { set(value: Int!): Int!, get: Int! }
`);

// As Pothos builds schemas: each field has a resolver of its own, and defaults are values. graphql-jit calls no methods
// and reads no literals.
for (const type of Object.values(SMALL.getTypeMap())) {
  if (isInputObjectType(type)) for (const field of Object.values(type.getFields())) useDefaultValue(field);
  if (!isObjectType(type) || type.name.startsWith('__')) continue;
  for (const field of Object.values(type.getFields())) {
    for (const arg of field.args) useDefaultValue(arg);
    field.resolve = (parent: unknown, args, _context, { fieldName }) => {
      const value: unknown = Reflect.get(Object(parent), fieldName);
      return typeof value === 'function' ? (value as (args: unknown) => unknown)(args) : value;
    };
  }
}

function useDefaultValue(place: GraphQLArgument | GraphQLInputField): void {
  if (place.default?.literal === undefined) return;
  Object.assign(place, { defaultValue: valueFromASTUntyped(place.default.literal), default: undefined });
}

/** Executes by what the field is called with; `value` is what mutations change. */
function rootOf() {
  let value = 0;
  const item = (id: string): object => ({
    __typename: 'Item',
    id,
    colour: id === 'odd' ? 'BLUE' : 'RED',
    name: ({ prefix }: { prefix: string }) => Promise.resolve(`${prefix}${id} "quoted" \u2028`),
    strict: () => (id === 'broken' ? null : 'here'),
    items: ({ first }: { first: number }) => Array.from({ length: first }, (_, at) => item(`${id}${at}`)),
  });
  return {
    item: ({ filter, id }: { filter?: { colour?: string; ids?: string[] }; id?: string }) =>
      id === 'none' ? null : item(id ?? JSON.stringify(filter ?? null)),
    items: [item('1'), null, item('broken'), item('odd')],
    node: item('n'),
    slow: async () => new Promise((resolve) => setImmediate(() => resolve('late'))),
    fails: () => {
      throw new GraphQLError('refused', { extensions: { code: 'NOT_FOUND' } });
    },
    failsStrictly: async () => Promise.reject(new Error('inner')),
    set: async ({ value: next }: { value: number }) => {
      await new Promise((resolve) => setImmediate(resolve));
      return (value = next);
    },
    get: () => value,
  };
}

interface Case {
  readonly title: string;
  readonly text: string;
  readonly variables?: Record<string, unknown>;
  readonly operationName?: string;
}

const CASES: readonly Case[] = [
  { title: 'introspection', text: getIntrospectionQuery() },
  { title: 'names of types', text: '{ __typename items { __typename } node { __typename ... on Item { colour } } }' },
  {
    title: 'fragments',
    text: '{ items { ...I ... on Node { id } ... { name } } } fragment I on Item { items { ...J } } fragment J on Item { id strict }',
  },
  {
    title: 'aliases',
    text: '{ a: item(id: "1") { x: id y: id name(prefix: "p") } b: item(id: "2") { id } constructor: slow }',
  },
  { title: 'merged fields', text: '{ item { id } item { colour } node { id } ... { item { strict } } }' },
  { title: 'null for an object', text: '{ item(id: "none") { id strict } }' },
  { title: 'a literal @skip and @include', text: '{ slow @skip(if: true) item { id @include(if: false) strict } }' },
  {
    title: 'a variable @skip',
    text: 'query ($no: Boolean!, $yes: Boolean = true) { slow @skip(if: $no) node @include(if: $yes) { id } }',
    variables: { no: true },
  },
  { title: 'defaults of variables', text: 'query ($id: ID = "d") { item(id: $id) { id } }', variables: {} },
  { title: 'null as a variable', text: 'query ($id: ID) { item(id: $id) { id } }', variables: { id: null } },
  { title: 'no variables at all', text: 'query ($first: Int) { item { items(first: $first) { id } } }' },
  {
    title: 'an input object',
    text: 'query ($f: Filter) { item(filter: $f) { id } }',
    variables: { f: { colour: 'RED', inner: { ids: ['b'] } } },
  },
  {
    title: 'an input object with a variable inside',
    text: 'query ($c: Colour) { item(filter: { colour: $c, ids: "one" }) { id } }',
    variables: { c: 'GREEN' },
  },
  { title: 'one of several operations', text: 'query A { slow } query B { node { id } }', operationName: 'B' },
  { title: 'an error with a code', text: '{\n  slow\n  x: fails\n}' },
  { title: 'an error where null is not allowed', text: '{ slow failsStrictly }' },
  { title: 'a missing value deep inside a list', text: '{ items { id strict items { strict } } }' },
  { title: 'a value that its enum does not have', text: '{ items { id colour } }' },
  { title: 'mutations one after the other', text: 'mutation { a: set(value: 3) b: get c: set(value: 4) d: get }' },
];

async function answers(
  given: Omit<ExecutionArgs, 'rootValue'>,
  rootValue: () => unknown,
  times = 3,
): Promise<unknown[]> {
  const execute = createExecutor();
  const results: unknown[] = [];
  for (let time = 0; time < times; time += 1)
    results.push(JSON.parse(JSON.stringify(await execute({ ...given, rootValue: rootValue() }))));
  return results;
}

function parseValid(of: GraphQLSchema, text: string) {
  const document = parse(text);
  expect(validate(of, document)).toEqual([]);
  return document;
}

describe('an operation that is executed again answers as it did the first time', () => {
  it.each(CASES)('$title', async ({ text, variables, operationName }) => {
    const document = parseValid(SMALL, text);
    const [first, ...later] = await answers(
      { schema: SMALL, document, variableValues: variables ?? null, operationName },
      rootOf,
    );
    for (const each of later) expect(each).toEqual(first);
  });

  it('keeps the error of a resolver as originalError', async () => {
    const execute = createExecutor();
    const document = parseValid(SMALL, '{ failsStrictly }');
    for (let time = 0; time < 3; time += 1) {
      const { errors } = await execute({ schema: SMALL, document, rootValue: rootOf() });
      expect(errors?.[0]).toBeInstanceOf(GraphQLError);
      expect(errors?.[0]?.originalError).toMatchObject({ message: 'inner' });
    }
  });
});

it('the schema has no literal default values, which graphql-jit ignores', () => {
  const types = Object.values(schema.getTypeMap()).filter((type) => isObjectType(type) || isInputObjectType(type));
  const fields = types
    .filter(({ name }) => !name.startsWith('__'))
    .flatMap((type) => Object.values<GraphQLField<unknown, unknown> | GraphQLInputField>(type.getFields()));
  const places = fields.flatMap((field): readonly (GraphQLArgument | GraphQLInputField)[] =>
    'args' in field ? field.args : [field],
  );
  expect(places.some(({ defaultValue }) => defaultValue !== undefined)).toBe(true);
  expect(places.filter((place) => place.default?.literal !== undefined)).toEqual([]);
});

it('the schema has no recursive input type, which graphql-jit would compile endlessly', () => {
  const contains = (name: string, within: readonly string[]): boolean => {
    const type = schema.getType(name);
    if (!isInputObjectType(type)) return false;
    if (within.includes(name)) return true;
    return Object.values(type.getFields()).some((field) => contains(getNamedType(field.type).name, [...within, name]));
  };
  expect(Object.keys(schema.getTypeMap()).filter((name) => contains(name, []))).toEqual([]);
});

describe('an event that is executed again has the same result as the first time', () => {
  const CHANGED: VmEvent = {
    seq: 7,
    kind: 'CHANGED',
    vmId: 'a2f1c1d2-1111-4222-8333-123456789abc',
    status: 'RUNNING',
    previousStatus: 'BOOTING',
    reason: 'BOOT',
    at: '2026-11-24T09:30:00.123Z',
  };
  const SNAPSHOT: VmEvent = { seq: 8, kind: 'SNAPSHOT', vmId: CHANGED.vmId, status: 'STOPPED', at: CHANGED.at };
  const textsOf = (text: string, event: unknown) =>
    answers({ schema, document: parseValid(schema, text), contextValue: {} }, () => event);

  it.each([
    {
      title: 'all values',
      text: 'subscription { vmEvents { seq kind vmId status previousStatus reason at } }',
      event: CHANGED,
    },
    {
      title: 'values that are absent',
      text: 'subscription { vmEvents { previousStatus reason seq } }',
      event: SNAPSHOT,
    },
    { title: 'a skipped value', text: 'subscription { vmEvents { seq kind @skip(if: true) } }', event: CHANGED },
    {
      title: 'a value that its type does not have',
      text: 'subscription { vmEvents { seq status } }',
      event: { ...CHANGED, status: 'ON_FIRE' },
    },
    {
      title: 'a required value that is absent',
      text: 'subscription { vmEvents { seq vmId } }',
      event: { ...CHANGED, vmId: null },
    },
    {
      title: 'a value that throws',
      text: 'subscription { vmEvents { seq at } }',
      event: { ...CHANGED, at: new Date(Number.NaN) },
    },
    {
      title: 'a value that is an error',
      text: 'subscription { vmEvents { vmId } }',
      event: { ...CHANGED, vmId: new Error('lost') },
    },
  ])('$title', async ({ text, event }) => {
    const [first, ...later] = await textsOf(text, event);
    for (const each of later) expect(each).toEqual(first);
  });

  it('has the same result for any selection in any order', async () => {
    const field = fc.constantFrom('seq', 'kind', 'vmId', 'status', 'previousStatus', 'reason', 'at', '__typename');
    const alias = fc.option(fc.stringMatching(/^[a-zA-Z]\w{0,5}$/), { nil: undefined });
    const plain = fc
      .record({ field, alias })
      .map((each) => (each.alias === undefined ? each.field : `${each.alias}: ${each.field}`));
    const inner = fc.array(plain, { minLength: 1 }).map((fields) => `... on VmEvent { ${fields.join(' ')} }`);
    const selections = fc.array(fc.oneof(plain, inner), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(selections, fc.constantFrom(CHANGED, SNAPSHOT), async (asked, event) => {
        const document = parse(`subscription { vmEvents { ${asked.join(' ')} } }`);
        // Two fields under one name are refused before.
        fc.pre(validate(schema, document).length === 0);
        const [first, second] = await answers({ schema, document, contextValue: {} }, () => event, 2);
        expect(JSON.stringify(second)).toBe(JSON.stringify(first));
      }),
      { numRuns: 200 },
    );
  });
});
