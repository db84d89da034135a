import { readFileSync } from 'node:fs';
import {
  buildSchema,
  GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isSpecifiedScalarType,
  parse,
  print,
  validateSchema,
  type GraphQLArgument,
  type GraphQLInputField,
  type GraphQLNamedType,
} from 'graphql';
import { expect, it } from 'vitest';
import { printedSchema, schema } from '../../../src/graphql/schema/schema.ts';

const read = (file: string): string => readFileSync(new URL(file, import.meta.url), 'utf8');
const own = (of: GraphQLSchema): GraphQLNamedType[] =>
  Object.values(of.getTypeMap()).filter((type) => !isIntrospectionType(type) && !isSpecifiedScalarType(type));

/** `first: Int = 50`, as a schema prints it. */
function signature({ name, type, astNode }: GraphQLArgument | GraphQLInputField): string {
  const value = astNode?.defaultValue;
  return `${name}: ${String(type)}${value === undefined ? '' : ` = ${print(value)}`}`;
}

/**
 * Everything that a client can rely on, one line each: a schema that offers more has all the lines of one that offers
 * less.
 */
function promises(of: GraphQLSchema): string[] {
  return own(of).flatMap((type) => {
    const { name } = type;
    const kind = `${type.constructor.name} ${name}`;
    if (isEnumType(type)) return [kind, ...type.getValues().map((value) => `${name} has ${value.name}`)];
    if (isInputObjectType(type))
      return [kind, ...Object.values(type.getFields()).map((field) => `${name}.${signature(field)}`)];
    if (!isObjectType(type) && !isInterfaceType(type)) return [kind];
    const fields = Object.values(type.getFields()).flatMap((field) => [
      `${name}.${field.name}: ${String(field.type)}`,
      ...field.args.map((arg) => `${name}.${field.name}(${signature(arg)})`),
    ]);
    return [kind, ...type.getInterfaces().map((each) => `${name} implements ${each.name}`), ...fields];
  });
}

/** What the schema asks of a client: an argument or input field without which it is refused. */
function demands(of: GraphQLSchema): string[] {
  const required = ({ type, astNode }: GraphQLArgument | GraphQLInputField): boolean =>
    String(type).endsWith('!') && astNode?.defaultValue === undefined;
  return own(of).flatMap((type) => {
    if (isInputObjectType(type)) {
      return Object.values(type.getFields())
        .filter(required)
        .map((field) => `${type.name}.${field.name}`);
    }
    if (!isObjectType(type)) return [];
    return Object.values(type.getFields()).flatMap((field) =>
      field.args.filter(required).map((arg) => `${type.name}.${field.name}(${arg.name})`),
    );
  });
}

/** What `after` asks of the operations and inputs that `before` has already. */
function newDemands(before: GraphQLSchema, after: GraphQLSchema): string[] {
  const announced = new Set(demands(before));
  const known = new Set(promises(before).flatMap((line) => line.split(/[ :(]/)));
  return demands(after).filter((each) => {
    const [owner = each] = each.split(each.includes('(') ? '(' : '.');
    return known.has(owner) && !announced.has(each);
  });
}

const printed = buildSchema(printedSchema());
const minimum = buildSchema(read('../../fixtures/minimum.graphql'));

it('there is one graphql: the schema is built by the library that runs it', () => {
  expect(schema).toBeInstanceOf(GraphQLSchema);
  expect(validateSchema(schema)).toEqual([]);
});

it('schema.graphql is what the code offers', () => {
  expect(read('../../../schema.graphql'), 'schema.graphql is out of date: run npm run schema').toBe(printedSchema());
});

it('every type, field, argument, input field and enum value says what it means', () => {
  const bare = own(schema).flatMap((type) => {
    const parts: [string, string | null | undefined][] = [[type.name, type.description]];
    if (isEnumType(type)) {
      for (const value of type.getValues()) parts.push([`${type.name}.${value.name}`, value.description]);
    } else if (isObjectType(type) || isInterfaceType(type)) {
      for (const field of Object.values(type.getFields())) {
        parts.push([`${type.name}.${field.name}`, field.description]);
        for (const arg of field.args) parts.push([`${type.name}.${field.name}(${arg.name})`, arg.description]);
      }
    } else if (isInputObjectType(type)) {
      for (const field of Object.values(type.getFields()))
        parts.push([`${type.name}.${field.name}`, field.description]);
    }
    return parts.filter(([, description]) => (description ?? '').trim() === '').map(([name]) => name);
  });
  expect(bare).toEqual([]);
});

it('each mutation names the errors that it can raise', () => {
  const silent = Object.values(schema.getMutationType()?.getFields() ?? {}).filter(
    (field) => !/Errors: /.test(field.description ?? ''),
  );
  expect(silent.map(({ name }) => name)).toEqual([]);
});

it('everything that was promised is there, name for name and type for type', () => {
  const offered = new Set(promises(printed));
  const promised = promises(minimum);
  expect(promised.length).toBeGreaterThan(200);
  expect(promised.filter((each) => !offered.has(each))).toEqual([]);
});

it('nothing is asked for that was not announced', () => {
  expect(demands(minimum).length).toBeGreaterThan(20);
  expect(newDemands(minimum, printed)).toEqual([]);
});

it('the comparison finds whatever is missing or other', () => {
  const less = buildSchema('type Query { a(x: Int = 1): Int!, b: E } enum E { ONE } input I { v: String! }');
  const more = buildSchema('type Query { a(x: Int = 2): Int, c: E } enum E { TWO } input I { v: String }');
  const offered = new Set(promises(more));
  expect(promises(less).filter((each) => !offered.has(each))).toEqual([
    'Query.a: Int!',
    'Query.a(x: Int = 1)',
    'Query.b: E',
    'E has ONE',
    'I.v: String!',
  ]);
});

it('the comparison finds whatever is asked for in addition, and only of what was there', () => {
  const before = buildSchema('type Query { a(x: Int!): Int } input I { v: String }');
  const after = buildSchema(`
    type Query { a(x: Int!, y: Int!, z: Int! = 1): Int, b(w: J!): Int }
    input I { v: String!, u: Int!, t: Int }
    input J { s: Int! }
  `);
  expect(newDemands(before, after)).toEqual(['Query.a(y)', 'I.v', 'I.u']);
});

it('the printed schema is sorted, so that its diff shows what changed and nothing else', () => {
  const names = parse(printedSchema()).definitions.flatMap((each) =>
    'name' in each && each.name !== undefined ? [each.name.value] : [],
  );
  expect(names).toEqual(names.toSorted((a, b) => a.localeCompare(b)));
});
