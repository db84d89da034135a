import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** The request id, which the client may choose and every answer carries. */
export const REQUEST_ID_HEADER = 'x-request-id';

/** Ids that are safe in logs and headers. */
const SAFE_ID = /^[A-Za-z0-9._-]{1,64}$/;

const ids = new WeakMap<object, string>();

/**
 * The id of a request: the client's, if it has 1 to 64 letters, digits, `.`, `_` or `-`, otherwise a generated one.
 * Stable.
 */
export function requestIdOf(request: Pick<IncomingMessage, 'headers'>): string {
  let id = ids.get(request);
  if (id === undefined) ids.set(request, (id = chooseRequestId(request.headers[REQUEST_ID_HEADER])));
  return id;
}

export function chooseRequestId(given: string | readonly string[] | undefined): string {
  return typeof given === 'string' && SAFE_ID.test(given) ? given : randomUUID();
}
