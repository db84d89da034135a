import type { ExecutionResult, GraphQLError } from 'graphql';
import { logFailure } from '../../lib/log-failure.ts';
import type { Log } from '../../log.ts';
import type { Caller } from '../schema/context.ts';
import { causeOf, codeOfMasked, maskError, withRequestId } from './mask-error.ts';

/** Logs the errors of a request, and adds its id to internal errors so an operator can find the log line. */
export class ErrorReporter {
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Logs one line per request, for its worst error. `errors` are masked already. */
  report(
    errors: readonly GraphQLError[],
    { requestId, route }: Pick<Caller, 'requestId' | 'route'>,
    operation?: string,
  ): GraphQLError[] {
    const worst = errors.find(isInternal) ?? errors[0];
    if (worst !== undefined) {
      logFailure(this.#log, { requestId, operation: route ?? operation, code: codeOfMasked(worst) }, causeOf(worst));
    }
    return errors.map((error) => (isInternal(error) ? withRequestId(error, requestId) : error));
  }

  /** Masks and logs the errors of a result. A result without errors is returned unchanged. */
  reportResult(result: ExecutionResult, caller: Caller, operation?: string): ExecutionResult {
    if (result.errors === undefined) return result;
    return { ...result, errors: this.report(result.errors.map(maskError), caller, operation) };
  }
}

function isInternal(error: GraphQLError): boolean {
  return codeOfMasked(error) === 'INTERNAL_SERVER_ERROR';
}
