import {
  getNullableType,
  isLeafType,
  isNonNullType,
  isObjectType,
  Kind,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionNode,
} from 'graphql';

/** The whole result of one event as JSON text; undefined where it takes an executor after all, such as for an error. */
export type EventWriter = (event: unknown) => string | undefined;

interface SubscriptionDocument {
  readonly schema: GraphQLSchema;
  readonly document: DocumentNode;
  /** Of the document, the one that runs. */
  readonly operation: OperationDefinitionNode;
}

interface Leaf {
  /** In the answer. */
  readonly name: string;
  readonly read: (parent: unknown) => unknown;
  readonly coerce: (value: unknown) => unknown;
  readonly isNullable: boolean;
}

/**
 * What an executor would answer to a subscription that asks for plain values of its events and for nothing else, as most do. An event
 * comes to a process that was idle, whose caches are cold, so that what counts is how much code it takes: 0.1 ms from the notification to
 * the socket, where an executor and the promises around it took 0.25. Undefined for every other document: one with values that are
 * fetched, arguments below the event, or a directive. The last text is kept, since an event goes to all its subscribers in one go.
 */
export function compileEventWriter({ schema, document, operation }: SubscriptionDocument): EventWriter | undefined {
  const root = schema.getSubscriptionType();
  if (root == null || isConditional(operation)) return undefined;
  const fragments = new Map(
    document.definitions.filter((each) => each.kind === Kind.FRAGMENT_DEFINITION).map((each) => [each.name.value, each]),
  );
  const [top, ...more] = collectFields(operation.selectionSet.selections, root, fragments) ?? [];
  if (top === undefined || more.length > 0) return undefined;
  const [key, nodes] = top;
  const field = root.getFields()[nodes[0]?.name.value ?? ''];
  const read = field === undefined ? undefined : readerOf(field);
  const type = getNullableType(field?.type);
  if (read === undefined || !isObjectType(type)) return undefined;
  const selections = nodes.flatMap(({ selectionSet }) => selectionSet?.selections ?? []);
  const leaves = collectFields(selections, type, fragments)?.map(([name, [node]]) => leafOf(type, name, node));
  if (leaves === undefined || !leaves.every((each) => each !== undefined)) return undefined;

  const before = `{"data":{${JSON.stringify(key)}:`;
  const write = (event: unknown): string | undefined => {
    try {
      const parent = read(event);
      if (typeof parent !== 'object' || parent === null || isUnfinished(parent)) return undefined;
      const data: Record<string, unknown> = {};
      for (const { name, read: readLeaf, coerce, isNullable } of leaves) {
        const value = readLeaf(parent);
        const isNull = value === null || value === undefined;
        const written: unknown = isNull || isUnfinished(value) ? null : coerce(value);
        if (written === undefined || (written === null && !(isNull && isNullable))) return undefined;
        data[name] = written;
      }
      return `${before}${JSON.stringify(data)}}}`;
    } catch {
      // The executor meets the same, and says where.
      return undefined;
    }
  };
  let last: { readonly event: unknown; readonly text: string | undefined } = { event: undefined, text: undefined };
  return (event) => {
    if (last.event !== event) last = { event, text: write(event) };
    return last.text;
  };
}

/** The fields by their names in the answer, in its order; undefined where one may be left out or is of some types only. */
function collectFields(
  selections: readonly SelectionNode[],
  type: GraphQLObjectType,
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
): [string, FieldNode[]][] | undefined {
  const fields = new Map<string, FieldNode[]>();
  const seen = new Set<string>();
  const collect = (each: SelectionNode): boolean => {
    if (isConditional(each)) return false;
    if (each.kind === Kind.FIELD) {
      const key = each.alias?.value ?? each.name.value;
      fields.set(key, [...(fields.get(key) ?? []), each]);
      return true;
    }
    if (each.kind === Kind.FRAGMENT_SPREAD) {
      if (seen.has(each.name.value)) return true;
      seen.add(each.name.value);
    }
    const fragment = each.kind === Kind.FRAGMENT_SPREAD ? fragments.get(each.name.value) : each;
    if (fragment === undefined || isConditional(fragment) || (fragment.typeCondition?.name.value ?? type.name) !== type.name) return false;
    return fragment.selectionSet.selections.every(collect);
  };
  return selections.every(collect) ? [...fields] : undefined;
}

function isConditional({ directives }: { readonly directives?: readonly unknown[] | undefined }): boolean {
  return directives !== undefined && directives.length > 0;
}

/** A value of the event itself, of a scalar or an enum. */
function leafOf(type: GraphQLObjectType, name: string, node: FieldNode | undefined): Leaf | undefined {
  // In an object literal it would not be a field.
  if (name === '__proto__') return undefined;
  if (node?.name.value === '__typename') return { name, read: () => type.name, coerce: (value) => value, isNullable: false };
  const field = type.getFields()[node?.name.value ?? ''];
  const read = field === undefined ? undefined : readerOf(field);
  if (field === undefined || read === undefined || field.args.length > 0) return undefined;
  const leaf = getNullableType(field.type);
  if (!isLeafType(leaf)) return undefined;
  return { name, read, coerce: (value) => leaf.coerceOutputValue(value), isNullable: !isNonNullType(field.type) };
}

/** How a field is read where it takes nothing but its parent: not what is asked for, nor who asks. */
function readerOf({ name, resolve }: GraphQLField<unknown, unknown>): ((parent: unknown) => unknown) | undefined {
  if (resolve === undefined) {
    return (parent) => {
      const value: unknown = Reflect.get(Object(parent), name);
      return typeof value === 'function' ? new Error(`${name} has to be called.`) : value;
    };
  }
  return resolve.length <= 1 ? (resolve as (parent: unknown) => unknown) : undefined;
}

/** What an executor would wait for, or report. */
function isUnfinished(value: unknown): boolean {
  return value instanceof Promise || value instanceof Error;
}
