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

/** How a value is read, be it JSON or a literal of a document. */
interface Reading<T> {
  /** It is not known here: a variable inside of a literal, whose own value is looked at. */
  isOpen(value: T): boolean;
  isNull(value: T): boolean;
  /** Undefined where it is no list. */
  itemsOf(value: T): readonly T[] | undefined;
  /** Undefined where it is no object. */
  fieldsOf(value: T): ReadonlyMap<string, T> | undefined;
  fits(value: T, type: GraphQLLeafType): boolean;
}

const JSON_VALUE: Reading<unknown> = {
  isOpen: () => false,
  isNull: (value) => value === null,
  itemsOf: (value) => (Array.isArray(value) ? value : undefined),
  fieldsOf(value) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    return new Map(Object.entries(value).filter(([, each]) => each !== undefined));
  },
  fits: (value, type) => isQuiet((onError) => validateInputValue(value, type, onError)),
};

const LITERAL: Reading<ValueNode> = {
  isOpen: ({ kind }) => kind === Kind.VARIABLE,
  isNull: ({ kind }) => kind === Kind.NULL,
  itemsOf: (node) => (node.kind === Kind.LIST ? node.values : undefined),
  fieldsOf: (node) => (node.kind === Kind.OBJECT ? new Map(node.fields.map(({ name, value }) => [name.value, value])) : undefined),
  fits: (node, type) => isQuiet((onError) => validateInputLiteral(node, type, onError)),
};

/**
 * What is wrong with the variables of a request: where, and what is needed there. The language's own sentences quote the value, which may
 * be a secret, and are worded anew with its versions. Without `namesValues` the values of an enum are not listed.
 */
export function variableProblems(
  {
    schema,
    operation,
    variables,
  }: { schema: GraphQLSchema; operation: OperationDefinitionNode; variables: Readonly<Record<string, unknown>> },
  options: { namesValues: boolean },
): FieldProblem[] {
  return (operation.variableDefinitions ?? []).flatMap(({ variable, type: node, defaultValue }) => {
    const type = typeFromAST(schema, node);
    // Validation says so.
    if (!isInputType(type)) return [];
    const name = variable.name.value;
    const value = Object.hasOwn(variables, name) ? variables[name] : undefined;
    if (value !== undefined) return problemsOf(JSON_VALUE, value, type, name, options);
    return isNonNullType(type) && defaultValue === undefined ? [{ path: name, message: REQUIRED }] : [];
  });
}

/** The same of a literal; a variable in it is checked by itself. */
export function literalProblems(node: ValueNode, type: GraphQLInputType, path: string, options: { namesValues: boolean }): FieldProblem[] {
  return problemsOf(LITERAL, node, type, path, options);
}

const REQUIRED = 'is required.';
/** Longer ones, or with other characters, are no misspelt names of fields. */
const NAME = /^[_A-Za-z][_0-9A-Za-z]{0,39}$/;

function problemsOf<T>(
  reading: Reading<T>,
  value: T,
  type: GraphQLInputType,
  path: string,
  options: { namesValues: boolean },
): FieldProblem[] {
  if (reading.isOpen(value)) return [];
  if (reading.isNull(value)) return isNonNullType(type) ? [{ path, message: REQUIRED }] : [];
  const plain = getNullableType(type);
  if (isListType(plain)) {
    // A single value is a list of one.
    const items = reading.itemsOf(value);
    if (items === undefined) return problemsOf(reading, value, plain.ofType, path, options);
    return items.flatMap((item, index) => problemsOf(reading, item, plain.ofType, `${path}.${index}`, options));
  }
  if (!isInputObjectType(plain)) {
    return reading.fits(value, plain) ? [] : [{ path, message: needOf(plain, options) }];
  }
  const given = reading.fieldsOf(value);
  if (given === undefined) return [{ path, message: 'must be an object.' }];
  const known = plain.getFields();
  const own = Object.values(known).flatMap((field): FieldProblem[] => {
    const inside = `${path}.${field.name}`;
    const of = given.get(field.name);
    if (of === undefined) return isRequiredInputField(field) ? [{ path: inside, message: REQUIRED }] : [];
    return problemsOf(reading, of, field.type, inside, options);
  });
  const strange = [...given.keys()].filter((name) => !Object.hasOwn(known, name));
  return [...own, ...strange.map((name) => unknownField(path, name, plain.name))];
}

function unknownField(path: string, name: string, type: string): FieldProblem {
  if (NAME.test(name)) return { path: `${path}.${name}`, message: `is not a field of ${type}.` };
  return { path, message: `has a field that ${type} does not have.` };
}

function needOf(type: GraphQLLeafType, { namesValues }: { namesValues: boolean }): string {
  if (isEnumType(type) && namesValues)
    return `must be one of ${type
      .getValues()
      .map(({ name }) => name)
      .join(', ')}.`;
  return NEEDS.get(type.name) ?? `must be a value of the type ${type.name}.`;
}

const NEEDS: ReadonlyMap<string, string> = new Map([
  ['Int', 'must be a whole number of at most 32 bits.'],
  ['Float', 'must be a number.'],
  ['String', 'must be a text.'],
  ['ID', 'must be a text.'],
  ['Boolean', 'must be true or false.'],
]);

/** Whether a check has nothing to say. What it would say is not kept. */
function isQuiet(check: (onError: () => void) => void): boolean {
  let isFine = true;
  check(() => (isFine = false));
  return isFine;
}
