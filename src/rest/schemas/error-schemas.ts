import { ERROR_CODES } from '../../errors.ts';
import { QUOTA_DIMENSIONS } from '../../vm/limits.ts';
import { arrayOf, described, integer, number, object, oneOf, ref, string } from './json-schema.ts';

/** What every error looks like. */
export const ERROR_SCHEMAS = {
  Error: object(
    {
      error: described(string, 'A human-readable message.'),
      code: oneOf(ERROR_CODES, 'What went wrong, for programs.'),
      fields: described(arrayOf(ref('FieldProblem')), 'With BAD_USER_INPUT: each invalid value.'),
      violations: described(arrayOf(ref('QuotaViolation')), 'With QUOTA_EXCEEDED: each limit of the plan.'),
      retryAfterSeconds: described(integer, 'With RATE_LIMITED: when to try again.'),
      requestId: described(string, 'With INTERNAL_SERVER_ERROR: the id of the request in the log.'),
    },
    ['fields', 'violations', 'retryAfterSeconds', 'requestId'],
  ),
  FieldProblem: object({
    path: described(string, 'Where the value is, such as os.cpu.'),
    message: described(string, 'What is needed there; never the value.'),
  }),
  QuotaViolation: object({
    dimension: oneOf(QUOTA_DIMENSIONS, 'What is limited.'),
    limit: described(number, 'What the plan allows.'),
    used: described(number, "What the account's other enabled VMs use; for STORAGE, all its volumes."),
    requested: described(number, 'What this VM would add.'),
    unit: described(string, 'The unit of the three numbers.'),
    message: string,
  }),
};
