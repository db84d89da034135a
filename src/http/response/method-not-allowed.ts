import { ApiError } from '../../errors.ts';

/** METHOD_NOT_ALLOWED with the methods that are allowed; `errorHeaders` sends them as `Allow`. */
export class MethodNotAllowedError extends ApiError {
  readonly allowed: readonly string[];

  constructor(
    allowed: readonly string[],
    message = `This method is not allowed here; these are: ${allowed.join(', ')}.`,
  ) {
    super('METHOD_NOT_ALLOWED', message);
    this.allowed = allowed;
  }
}
