import { GraphQLError, Kind, type FieldNode } from 'graphql';
import { isDatabaseUnavailable, isUnstorableValue } from '../../db/database-errors.ts';
import { ApiError, isErrorCode, type ErrorCode, type ErrorDetails } from '../../errors.ts';

/** The original error of each masked one, for the log. */
const causes = new WeakMap<GraphQLError, unknown>();

/**
 * Turns any error into one that a client may see. An ApiError keeps its code and message, an error of the request
 * becomes BAD_USER_INPUT, and everything else is masked, with the original kept for `causeOf`. Masking twice changes
 * nothing.
 */
export function maskError(error: unknown): GraphQLError {
  const graphqlError = error instanceof GraphQLError ? error : undefined;
  const cause = originOf(error);
  if (cause instanceof ApiError) return rebuild(graphqlError, withInputPaths(graphqlError, cause));
  if (cause === undefined && graphqlError !== undefined) return requestFault(graphqlError);
  if (isUnstorableValue(cause)) {
    return rebuild(
      graphqlError,
      new ApiError('BAD_USER_INPUT', 'A string of the input contains a character that cannot be stored.'),
    );
  }
  const masked = rebuild(
    graphqlError,
    new ApiError(isDatabaseUnavailable(cause) ? 'UNAVAILABLE' : 'INTERNAL_SERVER_ERROR'),
  );
  causes.set(masked, cause);
  return masked;
}

/** The error that was masked; undefined if `error` is not a masked one. */
export function causeOf(error: GraphQLError): unknown {
  return causes.get(error);
}

/** The code of a masked error. */
export function codeOfMasked({ extensions: { code } }: GraphQLError): ErrorCode {
  return isErrorCode(code) ? code : 'INTERNAL_SERVER_ERROR';
}

/** Converts an ApiError about the request as a whole. */
export function graphqlErrorOf(error: ApiError): GraphQLError {
  return rebuild(undefined, error);
}

/** Gives an error that graphql itself found in a request the code BAD_USER_INPUT. Its message quotes no values. */
export function requestFault(error: GraphQLError): GraphQLError {
  // `http` is yoga's own note of a status.
  const { code, http, ...extensions } = error.extensions;
  const isKnown = isErrorCode(code);
  if (isKnown && http === undefined) return error;
  return rebuild(error, { message: error.message, code: isKnown ? code : 'BAD_USER_INPUT', details: extensions });
}

/** Adds the request id, which identifies the log line. */
export function withRequestId(error: GraphQLError, requestId: string): GraphQLError {
  return rebuild(error, {
    message: error.message,
    code: codeOfMasked(error),
    details: { ...error.extensions, requestId },
  });
}

/** The error that a resolver threw; undefined if graphql itself refused the request. */
function originOf(error: unknown): unknown {
  let current = error;
  while (current instanceof GraphQLError) current = current.originalError;
  return current;
}

type PublicError = Pick<ApiError, 'message' | 'code'> & {
  readonly details: ErrorDetails | Readonly<Record<string, unknown>>;
};

/**
 * Commands name the fields of their own input. If the client passed them in the argument `input`, prefix the paths with
 * it.
 */
function withInputPaths(error: GraphQLError | undefined, { message, code, details }: ApiError): PublicError {
  const field = error?.nodes?.find((node): node is FieldNode => node.kind === Kind.FIELD);
  const isInside = field?.arguments?.some(({ name }) => name.value === 'input') === true;
  if (!isInside || details.fields === undefined) return { message, code, details };
  const fields = details.fields.map(({ path, message: why }) => ({ path: `input.${path}`, message: why }));
  return {
    message: fields.map(({ path, message: why }) => `${path}: ${why}`).join(' '),
    code,
    details: { ...details, fields },
  };
}

function rebuild(error: GraphQLError | undefined, { message, code, details }: PublicError): GraphQLError {
  return new GraphQLError(message, {
    ...(error?.nodes !== undefined && { nodes: error.nodes }),
    ...(error?.source !== undefined && { source: error.source }),
    ...(error?.positions !== undefined && { positions: error.positions }),
    ...(error?.path !== undefined && { path: error.path }),
    extensions: { code, ...details },
  });
}
