import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** The request id, which the client may choose and every answer carries. */
export const REQUEST_ID_HEADER = 'x-request-id';

/** Ids that are safe in logs and headers. */
const SAFE_ID = /^[A-Za-z0-9._-]{1,64}$/;

const ID = Symbol('request id');

/** A request, on which its id is kept: a WeakMap of all requests costs the garbage collector as much as they do. */
interface Identified extends Pick<IncomingMessage, 'headers'> {
  [ID]?: string;
}

/**
 * The id of a request: the client's, if it has 1 to 64 letters, digits, `.`, `_` or `-`, otherwise a generated one.
 * Stable.
 */
export function requestIdOf(request: Identified): string {
  return (request[ID] ??= chooseRequestId(request.headers[REQUEST_ID_HEADER]));
}

export function chooseRequestId(given: string | readonly string[] | undefined): string {
  return typeof given === 'string' && SAFE_ID.test(given) ? given : randomUUID();
}
