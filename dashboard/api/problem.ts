/** An error of the API, or of the way to it. */
export class Problem extends Error {
  override readonly name = 'Problem';
  /** A code of the API, or UNREACHABLE if no answer came. */
  readonly code: string;
  readonly fields: readonly FieldProblem[];
  readonly violations: readonly { readonly message: string }[];
  readonly retryAfterSeconds: number | undefined;
  readonly requestId: string | undefined;

  constructor(code: string, message: string, details: ProblemDetails = {}) {
    super(message);
    this.code = code;
    this.fields = details.fields ?? [];
    this.violations = details.violations ?? [];
    this.retryAfterSeconds = details.retryAfterSeconds;
    this.requestId = details.requestId;
  }

  /** What is wrong with an input, by the last part of its path: `cpu`. */
  ofField(name: string): string | undefined {
    return this.fields.find(({ path }) => path.split('.').at(-1) === name)?.message;
  }
}

/** `path` is the input's name as the request has it: `input.cpu`. */
interface FieldProblem {
  readonly path: string;
  readonly message: string;
}

interface ProblemDetails {
  readonly fields?: readonly FieldProblem[] | undefined;
  readonly violations?: readonly { readonly message: string }[] | undefined;
  readonly retryAfterSeconds?: number | undefined;
  readonly requestId?: string | undefined;
}

/** What the API sends in `errors`. */
export interface ApiErrorBody {
  readonly message: string;
  readonly extensions?: { readonly code?: string } & ProblemDetails;
}

export function problemOf(error: ApiErrorBody | undefined, requestId?: string): Problem {
  const { code = 'INTERNAL_SERVER_ERROR', ...details } = error?.extensions ?? {};
  return new Problem(code, error?.message ?? 'The gateway could not do this, and gave no reason.', {
    ...details,
    requestId,
  });
}

/** A caught value as a Problem. */
export function toProblem(error: unknown): Problem {
  return error instanceof Problem ? error : new Problem('UNREACHABLE', String(error));
}
