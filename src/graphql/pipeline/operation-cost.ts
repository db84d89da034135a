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

/** About 20 screens' worth of fields: each counts one, and as often as the list around it may be long. */
export const MAX_COST = 20_000;

/** So that a page of VMs, as dashboards and GET /vms ask for it, is one point. */
const COST_OF_A_POINT = 2_000;
/** A write takes a lock and a commit, and wakes everyone who watches. */
const POINTS_OF_A_MUTATION = 5;

/**
 * What an operation takes of its account's rate, in points: 1, or 5 for each mutation in it, and one for each 2,000 of its cost.
 * BAD_USER_INPUT when it costs more than any may.
 */
export function pointsOf(args: ExecutionArgs): number {
  const operation = getOperationAST(args.document, args.operationName);
  if (operation == null) return 1;
  const known = constants.get(operation);
  if (known !== undefined) return known;
  const alone = only(operation, args.document);
  const cost = costOf(alone, operation, args);
  if (cost > MAX_COST) {
    const way = 'ask for fewer fields, or for shorter pages.';
    throw new ApiError('BAD_USER_INPUT', `The operation costs ${cost}, at most ${MAX_COST} are allowed: ${way}`);
  }
  const writes = operation.operation === OperationTypeNode.MUTATION ? rootFields(operation.selectionSet, alone) : 0;
  const points = Math.max(1, writes * POINTS_OF_A_MUTATION) + Math.floor(cost / COST_OF_A_POINT);
  if ((operation.variableDefinitions ?? []).length === 0) constants.set(operation, points);
  return points;
}

/** Of operations without variables: what they cost never changes, and documents are kept. */
const constants = new WeakMap<OperationDefinitionNode, number>();

function costOf(document: DocumentNode, operation: OperationDefinitionNode, { schema, variableValues }: ExecutionArgs): number {
  const variables = variableValues ?? {};
  try {
    return complexityFromQuery(document, { schema, variables }).complexity;
  } catch (error) {
    // Nothing runs with variables that do not fit, and execution names all of them.
    if (getVariableValues(schema, operation.variableDefinitions ?? [], variables).errors !== undefined) return 0;
    throw error;
  }
}

/** The document with no operation but this one. */
function only(operation: OperationDefinitionNode, document: DocumentNode): DocumentNode {
  if (document.definitions[0] === operation) return document;
  return { ...document, definitions: [operation, ...document.definitions.filter(({ kind }) => kind === Kind.FRAGMENT_DEFINITION)] };
}

/** How many fields stand at the top, those of fragments included; a document's own limits keep this short. */
function rootFields({ selections }: SelectionSetNode, document: DocumentNode): number {
  return selections.reduce((sum, selection) => {
    if (selection.kind === Kind.FIELD) return sum + 1;
    const name = selection.kind === Kind.FRAGMENT_SPREAD ? selection.name.value : undefined;
    const inside = document.definitions.find((each) => each.kind === Kind.FRAGMENT_DEFINITION && each.name.value === name);
    if (selection.kind === Kind.INLINE_FRAGMENT) return sum + rootFields(selection.selectionSet, document);
    return inside?.kind === Kind.FRAGMENT_DEFINITION ? sum + rootFields(inside.selectionSet, document) : sum;
  }, 0);
}
