import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** Carries the id of a request, in the request where its client chose one, and in every answer. */
export const REQUEST_ID_HEADER = 'x-request-id';

/** What may stand in a log and in a header as it is. */
const SANE = /^[A-Za-z0-9._-]{1,64}$/;

const ids = new WeakMap<object, string>();

/** The id of a request, the same whenever it is asked for: its client's where that is 1 to 64 letters, digits, `.`, `_` and `-`, else a new one. */
export function requestIdOf(request: Pick<IncomingMessage, 'headers'>): string {
  let id = ids.get(request);
  if (id === undefined) ids.set(request, (id = chooseRequestId(request.headers[REQUEST_ID_HEADER])));
  return id;
}

export function chooseRequestId(given: string | readonly string[] | undefined): string {
  return typeof given === 'string' && SANE.test(given) ? given : randomUUID();
}
