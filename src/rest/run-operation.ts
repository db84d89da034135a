import type { GraphQLError } from 'graphql';
import { ApiError, isErrorCode, type FieldProblem } from '../errors.ts';
import type { Gateway } from '../graphql/pipeline/gateway.ts';
import type { Caller } from '../graphql/schema/context.ts';
import type { RestData, RestRequest, Route } from './route.ts';

interface VmPage {
  readonly nodes: RestData['nodes'];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string };
}

/** The error of a GraphQL operation, which the pipeline has already logged. */
export class OperationError extends ApiError {}

/** Runs the operation of a route, once per page if it lists VMs. Throws OperationError. */
export async function runOperation(
  gateway: Gateway,
  caller: Caller,
  route: Route,
  request: RestRequest,
): Promise<RestData> {
  const nodes: RestData['nodes'][number][] = [];
  for (let after: string | undefined; ;) {
    const operation = gateway.prepare(
      { query: route.document, variables: { ...route.variables(request), after } },
      caller,
    );
    if (!('kind' in operation)) throw toOperationError(operation, route);
    const { data, errors } = await operation.execute();
    if (errors !== undefined && errors.length > 0) throw toOperationError(errors, route);
    const page = data as (RestData & { vms?: VmPage }) | null | undefined;
    nodes.push(...(page?.vms?.nodes ?? []));
    if (page?.vms?.pageInfo.hasNextPage !== true) return { ...page, nodes };
    after = page.vms.pageInfo.endCursor;
  }
}

/** Combines the errors of an operation: the code of the first, and all bad fields under their REST names. */
function toOperationError(errors: readonly GraphQLError[], route: Route): OperationError {
  const [first] = errors;
  const code = first?.extensions['code'];
  if (!isErrorCode(code)) return new OperationError('INTERNAL_SERVER_ERROR', undefined, { cause: first });
  const fields = errors
    .flatMap(({ extensions }) => (Array.isArray(extensions['fields']) ? (extensions['fields'] as FieldProblem[]) : []))
    .map(({ path, message }) => ({ path: restPath(path, route), message }));
  const violations = first?.extensions['violations'];
  const retryAfterSeconds = first?.extensions['retryAfterSeconds'];
  const message =
    fields.length > 0 ? fields.map((field) => `${field.path}: ${field.message}`).join(' ') : first?.message;
  return new OperationError(code, message, {
    ...(fields.length > 0 && { fields }),
    ...(Array.isArray(violations) && { violations: violations as object[] }),
    ...(typeof retryAfterSeconds === 'number' && { retryAfterSeconds }),
  });
}

/** Converts the path of a GraphQL argument to that of a REST body: without `input.`, and with REST's names. */
function restPath(path: string, { fields }: Route): string {
  const field = path.replace(/^input\./, '');
  return fields?.[field] ?? field;
}
