import { badInput, type FieldProblem } from '../../errors.ts';
import { parseJsonObject, type JsonObject } from '../../http/request/json.ts';
import type { OperationRequest } from '../pipeline/gateway.ts';
import type { PersistedOperations } from '../pipeline/persisted-operations.ts';

/** The parameters of a GraphQL request in a query string, unchecked. BAD_USER_INPUT for objects that are not JSON. */
export function operationOfSearch(search: URLSearchParams): JsonObject {
  const texts = ['query', 'operationName', 'documentId'].map((name) => [name, search.get(name) ?? undefined] as const);
  const objects = ['variables', 'extensions'].map((name) => {
    const json = search.get(name);
    return [name, json === null ? undefined : parseJsonObject(json)] as const;
  });
  return Object.fromEntries([...texts, ...objects]);
}

/** The request with the document that it names or has. */
export function withPersistedDocument(request: JsonObject, persisted: PersistedOperations): JsonObject {
  const { documentId: _resolved, ...rest } = request;
  return { ...rest, query: persisted.documentOf(request) };
}

/** Checks the parameters of a GraphQL request; BAD_USER_INPUT names each one that does not fit. */
export function toOperation({ query, variables, operationName, extensions }: JsonObject): OperationRequest {
  const isObject = typeof variables === 'object' && !Array.isArray(variables);
  const fields: FieldProblem[] = [
    ...(typeof query === 'string' && query !== '' ? [] : [{ path: 'query', message: 'must be a GraphQL document.' }]),
    ...(variables === undefined || isObject ? [] : [{ path: 'variables', message: 'must be an object.' }]),
    ...(operationName == null || typeof operationName === 'string'
      ? []
      : [{ path: 'operationName', message: 'must be a string.' }]),
    ...(extensions == null || (typeof extensions === 'object' && !Array.isArray(extensions))
      ? []
      : [{ path: 'extensions', message: 'must be an object.' }]),
  ];
  if (fields.length > 0 || typeof query !== 'string') throw badInput(fields);
  return {
    query,
    variables: isObject ? (variables as Record<string, unknown> | null) : undefined,
    operationName: typeof operationName === 'string' ? operationName : undefined,
  };
}
