import type { Viewer } from '../audit/viewer.ts';
import { ApiError, badInput } from '../errors.ts';

const MAX_REASON = 500;

/** FORBIDDEN unless the token has the role. */
export function requireOperator({ role }: Viewer): void {
  if (role !== 'operator') throw new ApiError('FORBIDDEN', 'This needs a token with `app_metadata.role: "operator"`.');
}

/** The reason of an act, which the owner reads; BAD_USER_INPUT unless it has 1 to 500 characters on one line. */
export function parseReason(text: string): string {
  const reason = text.trim();
  if (/^[^\p{Cc}]+$/u.test(reason) && reason.length <= MAX_REASON) return reason;
  throw badInput([{ path: 'reason', message: `must have 1 to ${MAX_REASON} characters, without line breaks.` }]);
}
