import { GraphQLError } from 'graphql';
import { isDatabaseUnavailable, isUnstorableValue } from '../db/database.ts';
import { ApiError, isErrorCode, messageOf, type FieldProblem } from '../errors.ts';
import type { Log } from '../log.ts';

/**
 * What a client reads of an error: an ApiError as it is, a fault of the request as BAD_USER_INPUT, anything else
 * masked, and logged here because nobody else will see it.
 */
export function createMaskError(log: Log): (error: unknown) => GraphQLError {
  return (error) => {
    const graphqlError = error instanceof GraphQLError ? error : undefined;
    const cause = originOf(error);
    if (cause instanceof ApiError) return rebuild(graphqlError, cause.message, { code: cause.code, ...cause.details });
    if (cause === undefined && graphqlError !== undefined) return requestFault(graphqlError);
    if (isDatabaseUnavailable(cause)) {
      log.warn({ err: cause }, 'the database cannot be reached');
      return rebuild(graphqlError, messageOf('UNAVAILABLE'), { code: 'UNAVAILABLE' });
    }
    if (isUnstorableValue(cause)) {
      return rebuild(graphqlError, 'A text of the input contains a character that cannot be stored.', { code: 'BAD_USER_INPUT' });
    }
    log.error({ err: cause, path: graphqlError?.path }, 'a resolver failed');
    return rebuild(graphqlError, messageOf('INTERNAL_SERVER_ERROR'), { code: 'INTERNAL_SERVER_ERROR' });
  };
}

/** An ApiError of the whole request, as GraphQL writes it. */
export function graphqlErrorOf({ message, code, details }: ApiError): GraphQLError {
  return rebuild(undefined, message, { code, ...details });
}

/** The error that a resolver threw; undefined when the GraphQL layer itself refused the request. */
function originOf(error: unknown): unknown {
  let current = error;
  while (current instanceof GraphQLError) current = current.originalError;
  return current;
}

/** A value that does not fit its type: where it is and why, without the value itself, which may be a secret. */
const MISFITS: readonly RegExp[] = [
  /^Variable "\$(?:input)?[^"]*" got invalid value .* at "(?<path>[^"]+)"; (?<why>[^;]*)$/s,
  /^Variable "\$[^"]*" got invalid value .*; Field "(?<path>[^"]+)" of required type "[^"]+" was not provided\.$/s,
  /^Variable "\$(?<path>[^"]+)" of required type "[^"]+" was not provided\.$/s,
  /^Variable "\$(?<path>[^"]+)" (?:of non-null type|has invalid value|got invalid value).*?(?:; (?<why>[^;]*))?$/s,
];

/** An error that the GraphQL layer itself found in a request, as BAD_USER_INPUT. */
export function requestFault(error: GraphQLError): GraphQLError {
  const { code, ...extensions } = error.extensions;
  if (isErrorCode(code)) return error;
  const misfit = MISFITS.map((pattern) => pattern.exec(error.message)?.groups).find((groups) => groups !== undefined);
  if (misfit === undefined) return rebuild(error, error.message, { ...extensions, code: 'BAD_USER_INPUT' });
  const path = (misfit['path'] ?? '').replace(/^input\./, '');
  const why = misfit['why']?.replace(/: .*$/s, '.') ?? 'is required.';
  const fields: FieldProblem[] = [{ path, message: why }];
  return rebuild(error, `${path}: ${why}`, { ...extensions, code: 'BAD_USER_INPUT', fields });
}

function rebuild(error: GraphQLError | undefined, message: string, extensions: Record<string, unknown>): GraphQLError {
  return new GraphQLError(message, {
    ...(error?.nodes !== undefined && { nodes: error.nodes }),
    ...(error?.source !== undefined && { source: error.source }),
    ...(error?.positions !== undefined && { positions: error.positions }),
    ...(error?.path !== undefined && { path: error.path }),
    extensions,
  });
}
