import type { GraphQLError } from 'graphql';
import { ApiError, isErrorCode, type FieldProblem } from '../errors.ts';
import type { Route } from './routes/route.ts';

/** The error of a GraphQL operation, which the pipeline has already logged. */
export class OperationError extends ApiError {}

/** Combines the errors of an operation: the code of the first, and all bad fields under their REST names. */
export function toOperationError(errors: readonly GraphQLError[], route: Route): OperationError {
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
