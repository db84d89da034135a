/** An error of the gateway, as `extensions` of GraphQL have it. */
export interface ErrorDetails {
  /** Of BAD_USER_INPUT: each bad value's place, and what is needed there. */
  readonly fields?: readonly { readonly path: string; readonly message: string }[];
  /** Of QUOTA_EXCEEDED. */
  readonly violations?: readonly { readonly dimension: string; readonly message: string }[];
  /** Of RATE_LIMITED. */
  readonly retryAfterSeconds?: number;
  /** Of VM_FAILED: the failure of the VM. */
  readonly failure?: object | null;
}

/**
 * What a call or an iteration ends with. `code` is the gateway's (`NOT_FOUND`, `QUOTA_EXCEEDED`, …), or one of the
 * client's: `UNREACHABLE` if a request got no answer, `REFUSED` if the gateway closed the socket for good, `VM_FAILED`
 * if `waitFor` waits for a VM that has failed.
 */
export class SwiftorError extends Error {
  override readonly name = 'SwiftorError';
  readonly code: string;
  readonly details: ErrorDetails;

  constructor(code: string, message: string, { cause, ...details }: ErrorDetails & { cause?: unknown } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.details = details;
  }
}

/** An error of a GraphQL result. */
export interface GraphqlError {
  readonly message: string;
  readonly extensions?: Readonly<Record<string, unknown>>;
}

/** The first of the errors of a GraphQL result, which is the one to act on. */
export function toSwiftorError(errors: readonly GraphqlError[]): SwiftorError {
  const [first] = errors;
  const { code, ...details } = first?.extensions ?? {};
  const message = first?.message ?? 'The gateway answered without data.';
  return new SwiftorError(typeof code === 'string' ? code : 'INTERNAL_SERVER_ERROR', message, details);
}
