/**
 * All errors that a client can get. GraphQL puts the code into `errors[].extensions.code`; REST puts it into the body
 * and uses the HTTP status.
 */
const ERRORS = {
  BAD_USER_INPUT: { status: 400, message: 'The input is not valid.' },
  QUOTA_EXCEEDED: { status: 400, message: 'This would exceed the limits of your plan.' },
  UNAUTHENTICATED: { status: 401, message: 'Send a valid token in the header "Authorization: Bearer <token>".' },
  FORBIDDEN: { status: 403, message: 'Your token does not allow this.' },
  ACCOUNT_SUSPENDED: { status: 403, message: 'The operator has suspended this account.' },
  NOT_FOUND: { status: 404, message: 'It does not exist, or it is not yours.' },
  METHOD_NOT_ALLOWED: {
    status: 405,
    message: 'This method is not allowed here; the Allow header names those that are.',
  },
  REGION_DRAINED: { status: 409, message: 'Nothing new starts in this region now; choose another one.' },
  CONFLICT: { status: 409, message: 'This conflicts with the current state.' },
  PAYLOAD_TOO_LARGE: { status: 413, message: 'The request is too large.' },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, message: 'Send the body as application/json.' },
  RATE_LIMITED: { status: 429, message: 'Too many requests; try again after the seconds in Retry-After.' },
  INTERNAL_SERVER_ERROR: { status: 500, message: 'Something went wrong on our side; the request id helps us find it.' },
  UNAVAILABLE: { status: 503, message: 'The database cannot be reached; try again shortly.' },
  TIMED_OUT: { status: 504, message: 'It did not end in time.' },
} as const satisfies Record<string, { status: number; message: string }>;

export type ErrorCode = keyof typeof ERRORS;

export const ERROR_CODES = Object.keys(ERRORS) as readonly ErrorCode[];

/** A problem with one input: the `path` as the client wrote it (`specs.cpu`), and a human-readable `message`. */
export interface FieldProblem {
  readonly path: string;
  readonly message: string;
}

/** What a client gets besides code and message. */
export interface ErrorDetails {
  readonly fields?: readonly FieldProblem[];
  readonly violations?: readonly object[];
  /** For RATE_LIMITED: when to retry. */
  readonly retryAfterSeconds?: number;
}

/** An error that clients may see. All others are masked as INTERNAL_SERVER_ERROR. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message?: string, options: ErrorDetails & { cause?: unknown } = {}) {
    const { cause, ...details } = options;
    super(message ?? ERRORS[code].message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.details = details;
  }
}

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(ERRORS, value);
}

/** The HTTP status of a code in the REST API. */
export function httpStatusOf(code: ErrorCode): number {
  return ERRORS[code].status;
}

/** BAD_USER_INPUT that names each bad field. */
export function badInput(fields: readonly FieldProblem[]): ApiError {
  const message = fields.map((field) => `${field.path}: ${field.message}`).join(' ');
  return new ApiError('BAD_USER_INPUT', message, { fields });
}
