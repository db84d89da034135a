import {
  getNullableType,
  isEnumType,
  isInputObjectType,
  isInputType,
  isListType,
  isNonNullType,
  isRequiredInputField,
  Kind,
  typeFromAST,
  validateInputLiteral,
  validateInputValue,
  type GraphQLInputType,
  type GraphQLLeafType,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type ValueNode,
} from 'graphql';
import type { FieldProblem } from '../../errors.ts';

/** Reads a value, either JSON or a literal of a document. */
interface ValueReader<T> {
  /** Whether the value is a variable inside a literal; variables are checked separately. */
  isVariable(value: T): boolean;
  isNull(value: T): boolean;
  /** Undefined unless the value is a list. */
  itemsOf(value: T): readonly T[] | undefined;
  /** Undefined unless the value is an object. */
  fieldsOf(value: T): ReadonlyMap<string, T> | undefined;
  fits(value: T, type: GraphQLLeafType): boolean;
}

const JSON_READER: ValueReader<unknown> = {
  isVariable: () => false,
  isNull: (value) => value === null,
  itemsOf: (value) => (Array.isArray(value) ? value : undefined),
  fieldsOf(value) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    return new Map(Object.entries(value).filter(([, each]) => each !== undefined));
  },
  fits: (value, type) => passes((onError) => validateInputValue(value, type, onError)),
};

const LITERAL_READER: ValueReader<ValueNode> = {
  isVariable: ({ kind }) => kind === Kind.VARIABLE,
  isNull: ({ kind }) => kind === Kind.NULL,
  itemsOf: (node) => (node.kind === Kind.LIST ? node.values : undefined),
  fieldsOf: (node) =>
    node.kind === Kind.OBJECT ? new Map(node.fields.map(({ name, value }) => [name.value, value])) : undefined,
  fits: (node, type) => passes((onError) => validateInputLiteral(node, type, onError)),
};

/**
 * Finds the variables of a request that do not fit: the path, and what is expected there. graphql's own messages are
 * not used, because they quote the value, which may be a secret. `listEnumValues` allows messages to list an enum's
 * values.
 */
export function variableProblems(
  {
    schema,
    operation,
    variables,
  }: { schema: GraphQLSchema; operation: OperationDefinitionNode; variables: Readonly<Record<string, unknown>> },
  options: { listEnumValues: boolean },
): FieldProblem[] {
  return (operation.variableDefinitions ?? []).flatMap(({ variable, type: node, defaultValue }) => {
    const type = typeFromAST(schema, node);
    // Validation reports an unknown type.
    if (!isInputType(type)) return [];
    const name = variable.name.value;
    const value = Object.hasOwn(variables, name) ? variables[name] : undefined;
    if (value !== undefined) return problemsOf(JSON_READER, value, type, name, options);
    return isNonNullType(type) && defaultValue === undefined ? [{ path: name, message: REQUIRED }] : [];
  });
}

/** Finds the problems of a literal; variables in it are checked separately. */
export function literalProblems(
  node: ValueNode,
  type: GraphQLInputType,
  path: string,
  options: { listEnumValues: boolean },
): FieldProblem[] {
  return problemsOf(LITERAL_READER, node, type, path, options);
}

const REQUIRED = 'is required.';
/** Only what looks like a misspelt field name is repeated in an error. */
const FIELD_NAME = /^[_A-Za-z][_0-9A-Za-z]{0,39}$/;

function problemsOf<T>(
  reader: ValueReader<T>,
  value: T,
  type: GraphQLInputType,
  path: string,
  options: { listEnumValues: boolean },
): FieldProblem[] {
  if (reader.isVariable(value)) return [];
  if (reader.isNull(value)) return isNonNullType(type) ? [{ path, message: REQUIRED }] : [];
  const plain = getNullableType(type);
  if (isListType(plain)) {
    // GraphQL coerces a single value to a list of one.
    const items = reader.itemsOf(value);
    if (items === undefined) return problemsOf(reader, value, plain.ofType, path, options);
    return items.flatMap((item, index) => problemsOf(reader, item, plain.ofType, `${path}.${index}`, options));
  }
  if (!isInputObjectType(plain)) {
    return reader.fits(value, plain) ? [] : [{ path, message: expectationOf(plain, options) }];
  }
  const given = reader.fieldsOf(value);
  if (given === undefined) return [{ path, message: 'must be an object.' }];
  const known = plain.getFields();
  const own = Object.values(known).flatMap((field): FieldProblem[] => {
    const inside = `${path}.${field.name}`;
    const fieldValue = given.get(field.name);
    if (fieldValue === undefined) return isRequiredInputField(field) ? [{ path: inside, message: REQUIRED }] : [];
    return problemsOf(reader, fieldValue, field.type, inside, options);
  });
  const unknown = [...given.keys()].filter((name) => !Object.hasOwn(known, name));
  return [...own, ...unknown.map((name) => unknownField(path, name, plain.name))];
}

function unknownField(path: string, name: string, type: string): FieldProblem {
  if (FIELD_NAME.test(name)) return { path: `${path}.${name}`, message: `is not a field of ${type}.` };
  return { path, message: `has a field that ${type} does not have.` };
}

function expectationOf(type: GraphQLLeafType, { listEnumValues }: { listEnumValues: boolean }): string {
  if (isEnumType(type) && listEnumValues)
    return `must be one of ${type
      .getValues()
      .map(({ name }) => name)
      .join(', ')}.`;
  return EXPECTATIONS.get(type.name) ?? `must be a value of the type ${type.name}.`;
}

const EXPECTATIONS: ReadonlyMap<string, string> = new Map([
  ['Int', 'must be a whole number of at most 32 bits.'],
  ['Float', 'must be a number.'],
  ['String', 'must be a string.'],
  ['ID', 'must be a string.'],
  ['Boolean', 'must be true or false.'],
]);

/** Whether a check reports no error. The errors themselves are discarded. */
function passes(check: (onError: () => void) => void): boolean {
  let passed = true;
  check(() => (passed = false));
  return passed;
}
