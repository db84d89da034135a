import { complexityFromQuery } from '@pothos/plugin-complexity';
import {
  getOperationAST,
  getVariableValues,
  Kind,
  OperationTypeNode,
  type DocumentNode,
  type ExecutionArgs,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';
import { ApiError } from '../../errors.ts';

/** The highest cost of an operation. Each field costs 1, multiplied by the maximum length of the lists around it. */
export const MAX_COST = 20_000;

/** A page of VMs, as dashboards and GET /vms query it, costs one point. */
const COST_PER_POINT = 2_000;
/** A mutation takes a lock and a commit, and notifies every subscriber. */
const POINTS_PER_CHANGE = 5;

export interface OperationCost {
  /** Rate limit points: 1, or 5 for each change, plus 1 for each 2,000 of the complexity. */
  readonly points: number;
  /** The fields of a mutation, those of its fragments included; 0 for other operations. */
  readonly changes: number;
}

/** Throws BAD_USER_INPUT for an operation whose complexity is above `MAX_COST`. */
export function costOf(args: ExecutionArgs): OperationCost {
  const operation = getOperationAST(args.document, args.operationName);
  if (operation == null) return { points: 1, changes: 0 };
  const known = knownCosts.get(operation) ?? new Map<string, OperationCost>();
  knownCosts.set(operation, known);
  const key = lengthsIn(operation, args);
  let cost = known.get(key);
  if (cost === undefined) {
    cost = computeCost(operation, args);
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(key, cost);
  }
  return cost;
}

/** The costs of an operation by the variables that they depend on. Operations that exceed the limit are not in it. */
const knownCosts = new WeakMap<OperationDefinitionNode, Map<string, OperationCost>>();
const MAX_KNOWN = 100;

/**
 * Only the length of pages and of lists of ids changes the cost of an operation: its variables of the type Int and
 * those that are lists. One that is absent has its default, which null has not.
 */
function lengthsIn(
  { variableDefinitions = [] }: OperationDefinitionNode,
  { variableValues = {} }: ExecutionArgs,
): string {
  if (variableDefinitions.length === 0) return '';
  const lengths = variableDefinitions.flatMap(({ type, variable: { name } }) => {
    const nullable = type.kind === Kind.NON_NULL_TYPE ? type.type : type;
    if (nullable.kind === Kind.NAMED_TYPE && nullable.name.value !== 'Int') return [];
    if (variableValues == null || !Object.hasOwn(variableValues, name.value)) return ['default'];
    const value = variableValues[name.value];
    if (nullable.kind === Kind.NAMED_TYPE) return [value];
    return [Array.isArray(value) ? value.length : typeof value];
  });
  return JSON.stringify(lengths);
}

function computeCost(operation: OperationDefinitionNode, args: ExecutionArgs): OperationCost {
  const alone = withOnly(operation, args.document);
  const cost = complexityOf(alone, operation, args);
  if (cost > MAX_COST) {
    const advice = 'ask for fewer fields, or for shorter pages.';
    throw new ApiError('BAD_USER_INPUT', `The operation costs ${cost}, at most ${MAX_COST} are allowed: ${advice}`);
  }
  const changes =
    operation.operation === OperationTypeNode.MUTATION ? countRootFields(operation.selectionSet, alone) : 0;
  return { points: Math.max(1, changes * POINTS_PER_CHANGE) + Math.floor(cost / COST_PER_POINT), changes };
}

function complexityOf(
  document: DocumentNode,
  operation: OperationDefinitionNode,
  { schema, variableValues }: ExecutionArgs,
): number {
  const variables = variableValues ?? {};
  try {
    return complexityFromQuery(document, { schema, variables }).complexity;
  } catch (error) {
    // With variables that do not fit, nothing runs, and execution reports each of them.
    if (getVariableValues(schema, operation.variableDefinitions ?? [], variables).errors !== undefined) return 0;
    throw error;
  }
}

/** The document without its other operations. */
function withOnly(operation: OperationDefinitionNode, document: DocumentNode): DocumentNode {
  if (document.definitions[0] === operation) return document;
  return {
    ...document,
    definitions: [operation, ...document.definitions.filter(({ kind }) => kind === Kind.FRAGMENT_DEFINITION)],
  };
}

/** Counts the root fields, including those of fragments. Document limits bound the recursion. */
function countRootFields({ selections }: SelectionSetNode, document: DocumentNode): number {
  return selections.reduce((sum, selection) => {
    if (selection.kind === Kind.FIELD) return sum + 1;
    const name = selection.kind === Kind.FRAGMENT_SPREAD ? selection.name.value : undefined;
    const inside = document.definitions.find(
      (each) => each.kind === Kind.FRAGMENT_DEFINITION && each.name.value === name,
    );
    if (selection.kind === Kind.INLINE_FRAGMENT) return sum + countRootFields(selection.selectionSet, document);
    return inside?.kind === Kind.FRAGMENT_DEFINITION ? sum + countRootFields(inside.selectionSet, document) : sum;
  }, 0);
}
