import { GraphQLError, Kind, type FieldNode } from 'graphql';
import { isDatabaseUnavailable, isUnstorableValue } from '../../db/database.ts';
import { ApiError, isErrorCode, type ErrorCode, type ErrorDetails } from '../../errors.ts';

/** What a masked error hides, for the log. */
const causes = new WeakMap<GraphQLError, unknown>();

/**
 * What a client reads of an error: an ApiError as it is, a fault of the request as BAD_USER_INPUT, anything else masked, with its
 * cause kept for `causeOf`. What is masked already stays as it is.
 */
export function maskError(error: unknown): GraphQLError {
  const graphqlError = error instanceof GraphQLError ? error : undefined;
  const cause = originOf(error);
  if (cause instanceof ApiError) return rebuild(graphqlError, inInput(graphqlError, cause));
  if (cause === undefined && graphqlError !== undefined) return requestFault(graphqlError);
  if (isUnstorableValue(cause)) {
    return rebuild(graphqlError, new ApiError('BAD_USER_INPUT', 'A text of the input contains a character that cannot be stored.'));
  }
  const masked = rebuild(graphqlError, new ApiError(isDatabaseUnavailable(cause) ? 'UNAVAILABLE' : 'INTERNAL_SERVER_ERROR'));
  causes.set(masked, cause);
  return masked;
}

/** What was masked; undefined where nothing was. */
export function causeOf(error: GraphQLError): unknown {
  return causes.get(error);
}

/** The code of an error that a client may read. */
export function codeOfMasked({ extensions: { code } }: GraphQLError): ErrorCode {
  return isErrorCode(code) ? code : 'INTERNAL_SERVER_ERROR';
}

/** An ApiError of the whole request, as GraphQL writes it. */
export function graphqlErrorOf(error: ApiError): GraphQLError {
  return rebuild(undefined, error);
}

/** An error that the GraphQL layer itself found in a request, as BAD_USER_INPUT. Its sentence names fields, types and variables, and quotes no value. */
export function requestFault(error: GraphQLError): GraphQLError {
  const { code, ...extensions } = error.extensions;
  if (isErrorCode(code)) return error;
  return rebuild(error, { message: error.message, code: 'BAD_USER_INPUT', details: extensions });
}

/** The same error with the id that the log has it under. */
export function withRequestId(error: GraphQLError, requestId: string): GraphQLError {
  return rebuild(error, { message: error.message, code: codeOfMasked(error), details: { ...error.extensions, requestId } });
}

/** The error that a resolver threw; undefined when the GraphQL layer itself refused the request. */
function originOf(error: unknown): unknown {
  let current = error;
  while (current instanceof GraphQLError) current = current.originalError;
  return current;
}

type Told = Pick<ApiError, 'message' | 'code'> & { readonly details: ErrorDetails | Readonly<Record<string, unknown>> };

/** A command names the fields of its input; a client wrote them into the argument `input`, and finds them there. */
function inInput(error: GraphQLError | undefined, { message, code, details }: ApiError): Told {
  const field = error?.nodes?.find((node): node is FieldNode => node.kind === Kind.FIELD);
  const isInside = field?.arguments?.some(({ name }) => name.value === 'input') === true;
  if (!isInside || details.fields === undefined) return { message, code, details };
  const fields = details.fields.map(({ path, message: why }) => ({ path: `input.${path}`, message: why }));
  return { message: fields.map(({ path, message: why }) => `${path}: ${why}`).join(' '), code, details: { ...details, fields } };
}

function rebuild(error: GraphQLError | undefined, { message, code, details }: Told): GraphQLError {
  return new GraphQLError(message, {
    ...(error?.nodes !== undefined && { nodes: error.nodes }),
    ...(error?.source !== undefined && { source: error.source }),
    ...(error?.positions !== undefined && { positions: error.positions }),
    ...(error?.path !== undefined && { path: error.path }),
    extensions: { code, ...details },
  });
}
