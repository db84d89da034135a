import {
  execute,
  getOperationAST,
  GraphQLError,
  Kind,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  type FieldNode,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';
import { compileQuery, isCompiledQuery, type CompiledQuery } from 'graphql-jit';

type Result = ExecutionResult | Promise<ExecutionResult>;
/** Undefined if graphql-jit cannot compile the operation. */
type Compiled = Pick<CompiledQuery, 'query'> | undefined;

/**
 * Executes queries, mutations and events. The operation has been validated and its variables checked. graphql-js runs
 * an operation the first time; graphql-jit compiles it the second time and keeps it as long as its document is cached.
 * So a flood of new documents causes no compilations, and the document cache bounds memory. Both executors return the
 * same data and errors (test/unit/graphql/executor.test.ts). For an event, `rootValue` is the event.
 *
 * graphql-jit requires that a field without a resolver reads a plain property (no method, no promise), that default
 * values are constants, and that no input type contains itself. The test and Pothos guarantee this.
 */
export function createExecutor(): (args: ExecutionArgs) => Result {
  const seen = new WeakSet<OperationDefinitionNode>();
  const compiled = new WeakMap<OperationDefinitionNode, Compiled>();

  const compile = ({ schema, document }: ExecutionArgs, operation: OperationDefinitionNode): Compiled => {
    const query = compileQuery(schema, document, operation.name?.value, { disablingCapturingStackErrors: true });
    return isCompiledQuery(query) ? query : undefined;
  };

  return (args) => {
    const operation = getOperationAST(args.document, args.operationName);
    if (operation == null || !seen.has(operation)) {
      if (operation != null) seen.add(operation);
      return execute(args);
    }
    if (!compiled.has(operation)) compiled.set(operation, compile(args, operation));
    const query = compiled.get(operation);
    if (query === undefined) return execute(args);
    const result: Result = query.query(args.rootValue, args.contextValue, args.variableValues ?? {});
    const { document } = args;
    return result instanceof Promise
      ? result.then((late) => withNodes(late, operation, document))
      : withNodes(result, operation, document);
  };
}

/** graphql-jit's errors have a path but no nodes. Masking needs the nodes, and clients read their locations. */
function withNodes(
  result: ExecutionResult,
  operation: OperationDefinitionNode,
  document: DocumentNode,
): ExecutionResult {
  if (result.errors === undefined) return result;
  const errors = result.errors.map(({ message, path = [], originalError, extensions }) => {
    const nodes = nodesAt(path, operation.selectionSet, document);
    return new GraphQLError(message, { nodes, path, originalError, extensions });
  });
  return { ...result, errors };
}

/** The fields of the document that produced the value at a path of the result. */
function nodesAt(path: readonly (string | number)[], root: SelectionSetNode, document: DocumentNode): FieldNode[] {
  let sets: SelectionSetNode[] = [root];
  let nodes: FieldNode[] = [];
  for (const key of path.filter((each) => typeof each === 'string')) {
    nodes = sets.flatMap((set) => fieldsOf(set, document)).filter(({ alias, name }) => (alias ?? name).value === key);
    sets = nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
  }
  return nodes;
}

/** The fields of a selection, including those of its fragments. */
function fieldsOf({ selections }: SelectionSetNode, document: DocumentNode): FieldNode[] {
  return selections.flatMap((selection) => {
    if (selection.kind === Kind.FIELD) return selection;
    if (selection.kind === Kind.INLINE_FRAGMENT) return fieldsOf(selection.selectionSet, document);
    const fragment = document.definitions.find(
      (each) => each.kind === Kind.FRAGMENT_DEFINITION && each.name.value === selection.name.value,
    );
    return fragment?.kind === Kind.FRAGMENT_DEFINITION ? fieldsOf(fragment.selectionSet, document) : [];
  });
}
